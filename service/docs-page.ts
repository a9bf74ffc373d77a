/** The OpenAPI document as one readable page: no script, nothing from elsewhere. */
import { html, raw } from 'hono/html';

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  additionalProperties?: Schema | boolean;
  description?: string;
  default?: unknown;
  minimum?: number;
  maximum?: number;
  pattern?: string;
}
interface Operation {
  tags?: string[];
  summary?: string;
  description?: string;
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
  requestBody?: { content: Record<string, { schema?: Schema }> };
  responses?: Record<string, { description?: string; content?: Record<string, { schema?: Schema }> }>;
}
interface Placed {
  path: string;
  method: string;
  operation: Operation;
}
interface OpenApi {
  info: { title: string; version: string; description?: string };
  paths?: Record<string, Record<string, Operation | undefined>>;
  components?: { schemas?: Record<string, unknown> };
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/**
 * The page of an OpenAPI 3.1 document: every operation with its parameters, body and answers, every schema with its fields.
 *
 * @example
 * app.get('/docs', (c) => c.html(docsPage(app.getOpenAPI31Document(about))));
 */
export function docsPage(document: object) {
  const { info, paths = {}, components } = document as OpenApi;
  const operations: Placed[] = Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation ? [{ path, method, operation }] : [];
    }),
  );
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? 'Other'))];
  const schemas = Object.entries(components?.schemas ?? {}) as [string, Schema][];
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${info.title} API ${info.version}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <h1>${info.title} API <small>${info.version}</small></h1>
          <p>${info.description ?? ''}</p>
          <p>
            Machine-readable: <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1). Errors are problem details (RFC
            9457) with a stable <code>code</code>.
          </p>
          <nav>
            ${tags.map(
              (tag) =>
                html`<h2>${tag}</h2>
                  <ul>
                    ${operations
                      .filter(({ operation }) => (operation.tags?.[0] ?? 'Other') === tag)
                      .map(
                        ({ path, method, operation }) =>
                          html`<li>
                            <a href="#${anchor(method, path)}"><b>${method.toUpperCase()}</b> ${path}</a>
                            ${operation.summary ?? ''}
                          </li>`,
                      )}
                  </ul>`,
            )}
          </nav>
          ${operations.map((one) => operationPart(one))}
          <h2>Schemas</h2>
          ${schemas.map(
            ([name, schema]) =>
              html`<section id="schema-${name}">
                <h3>${name}</h3>
                ${fields(schema)}
              </section>`,
          )}
        </main>
      </body>
    </html>`;
}

function operationPart({ path, method, operation }: Placed) {
  const { summary = '', description = '', parameters = [], requestBody, responses = {} } = operation;
  return html`<section id="${anchor(method, path)}">
    <h3><b>${method.toUpperCase()}</b> <code>${path}</code></h3>
    <p><strong>${summary}</strong></p>
    ${description.split('\n\n').map((text) => html`<p>${text}</p>`)}
    ${
      parameters.length === 0
        ? ''
        : html`<table>
            <tr>
              <th>parameter</th>
              <th>in</th>
              <th>type</th>
              <th></th>
            </tr>
            ${parameters.map(
              (one) =>
                html`<tr>
                  <td><code>${one.name}</code>${one.required ? ' *' : ''}</td>
                  <td>${one.in}</td>
                  <td>${typeWords(one.schema ?? {})}</td>
                  <td>${one.description ?? one.schema?.description ?? ''}</td>
                </tr>`,
            )}
          </table>`
    }
    ${Object.entries(requestBody?.content ?? {}).map(
      ([type, { schema = {} }]) =>
        html`<h4>Body (${type}): ${typeWords(schema)}</h4>
          ${fields(schema)}`,
    )}
    <h4>Answers</h4>
    <ul>
      ${Object.entries(responses).map(
        ([status, { description: words = '', content = {} }]) =>
          html`<li>
            <code>${status}</code>
            ${words}${Object.values(content).map(({ schema }) => (schema ? html`: ${typeWords(schema)}` : ''))}
          </li>`,
      )}
    </ul>
  </section>`;
}

/** The fields of an object; nothing for anything else. */
function fields({ properties, required = [] }: Schema) {
  if (!properties) return '';
  return html`<table>
    <tr>
      <th>field</th>
      <th>type</th>
      <th></th>
    </tr>
    ${Object.entries(properties).map(
      ([name, schema]) =>
        html`<tr>
          <td><code>${name}</code>${required.includes(name) ? ' *' : ''}</td>
          <td>${typeWords(schema)}</td>
          <td>${schema.description ?? ''}</td>
        </tr>`,
    )}
  </table>`;
}

/** `integer 1 to 2000`, `Request`, `Counts or null`, `list of Candidate`. */
function typeWords(schema: Schema): ReturnType<typeof html> | string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (schema.anyOf) return html`${schema.anyOf.map((one, n) => html`${n === 0 ? '' : ' or '}${typeWords(one)}`)}`;
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.items) return html`list of ${typeWords(schema.items)}`;
  if (typeof schema.additionalProperties === 'object') return html`map to ${typeWords(schema.additionalProperties)}`;
  const type = [schema.type ?? 'any'].flat().join(' or ');
  const { minimum, maximum } = schema;
  const range =
    minimum !== undefined && maximum !== undefined
      ? ` ${minimum} to ${maximum}`
      : minimum !== undefined
        ? ` from ${minimum}`
        : maximum !== undefined
          ? ` to ${maximum}`
          : '';
  const value = schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`;
  return `${type}${range}${value}`;
}

const anchor = (method: string, path: string): string => `${method}-${path.replace(/[^a-z0-9]+/gi, '-')}`;

const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; }
td, th { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid #8884; }
section { border-top: 1px solid #8888; margin-top: 2rem; }
code { font-size: .9em; } nav ul { list-style: none; padding: 0; }
`;
