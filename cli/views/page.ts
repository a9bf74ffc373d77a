/** One HTML page that opens from disk: no scripts, no requests, light and dark. */
import { html, trusted, type Html } from './html.js';

/**
 * @param options `style`: what the page adds to the common style sheet; `content`: header, main and footer; `kind`: class of the body
 *
 * @example
 * page({ title: 'Delivered 4 of 4', style: '', content: html`<header><h1>Delivered 4 of 4</h1></header>` });
 */
export const page = (options: { title: string; style: string; content: Html; kind?: string | false }): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>${options.title}</title>
        <style>
          ${trusted(`${COMMON}\n${options.style}`)}
        </style>
      </head>
      <body class="${options.kind}">
        ${options.content}
      </body>
    </html> `.text;

/** Names with their values, in large letters, side by side. */
export const factList = (facts: readonly (readonly [name: string, value: string])[]): Html =>
  html`<dl class="facts">
    ${facts.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;

/** A neutral ground, so that it does not tint what is judged on it; colour only marks verdicts. */
const COMMON = `
:root{color-scheme:light dark;--ground:#f3f3f3;--card:#fff;--well:#e9e9e9;--ink:#1a1a1a;--soft:#5c5c5c;--line:#dcdcdc;--focus:#1259c3;
--good:#0b6b3c;--good-ground:#dff1e7;--bad:#a12c1b;--bad-ground:#f8e5e1;--wait:#7a4f00;--wait-ground:#f7ecd2;--none-ground:#e6e6e6}
@media (prefers-color-scheme:dark){:root{--ground:#161616;--card:#212121;--well:#2b2b2b;--ink:#eee;--soft:#ababab;--line:#3a3a3a;--focus:#7db1ff;
--good:#6fd3a0;--good-ground:#153826;--bad:#f29a8b;--bad-ground:#43201a;--wait:#e6bf6a;--wait-ground:#3d3013;--none-ground:#353535}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",sans-serif;
font-variant-numeric:tabular-nums;-webkit-text-size-adjust:100%}
header,main,footer{max-width:1360px;margin:0 auto;padding:0 28px}
header{padding-top:36px}
h1{font-size:28px;line-height:1.25;font-weight:600;letter-spacing:-.01em;margin:4px 0 20px;max-width:40em;overflow-wrap:anywhere}
h2{font-size:17px;font-weight:600;margin:36px 0 14px}
h3{font-size:14px;font-weight:600;margin:0}
p,ul,dl,dd{margin:0;padding:0}
ul{list-style:none}
code{font:12px/1.4 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;overflow-wrap:anywhere}
small{font-size:12.5px;color:var(--soft)}
.sr{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.outcome{font-weight:600}
.outcome.delivered{color:var(--good)}.outcome.shortfall{color:var(--wait)}.outcome.failed{color:var(--bad)}.outcome.cancelled{color:var(--soft)}
.count{color:var(--soft);font-weight:400;margin-left:4px}
.facts{display:flex;flex-wrap:wrap;gap:12px 36px;padding-bottom:24px;border-bottom:1px solid var(--line)}
.facts dt{font-size:12.5px;color:var(--soft)}
.facts dd{font-size:19px;font-weight:500;line-height:1.3}
footer{margin-top:48px;padding-top:18px;padding-bottom:36px;font-size:12.5px}
footer dl{border-top:1px solid var(--line);padding-top:18px}
footer div{display:flex;gap:12px;margin-top:3px}
footer dt{min-width:4.5em}
@media (max-width:560px){header,main,footer{padding-left:16px;padding-right:16px}h1{font-size:22px}.facts{gap:10px 24px}}
`;
