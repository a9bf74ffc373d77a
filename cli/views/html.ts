/** HTML from template literals: every value is escaped unless it is HTML already. */

/** HTML that needs no escaping. Made only by `html` and `trusted`. */
export class Html {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

type Value = string | number | Html | readonly Html[] | null | undefined | false;

/**
 * @example
 * html`<p title="${'a "b"'}">${'<script>'}</p>`.text; // '<p title="a &quot;b&quot;">&lt;script&gt;</p>'
 */
export function html(parts: TemplateStringsArray, ...values: Value[]): Html {
  return new Html(parts.map((part, i) => part + (i < values.length ? render(values[i]) : '')).join(''));
}

/** Text of our own that must not be escaped, such as a style sheet. */
export const trusted = (text: string): Html => new Html(text);

function render(value: Value): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.text;
  if (typeof value === 'string' || typeof value === 'number') return escapeHtml(String(value));
  return value.map((one) => one.text).join('');
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (found) => ENTITIES[found] ?? found);
