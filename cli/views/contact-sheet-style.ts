/** The style of the contact sheet beyond that of every page. */

/** Style sheet with one filter rule per group and per gate. */
export function contactSheetStyle(shown: { groups: readonly string[]; gates: number }): string {
  const groups = shown.groups.map((id) => `body:has(#show-${id}:checked) .group:not(.${id}){display:none}`);
  const gates = Array.from(
    { length: shown.gates },
    (_, i) =>
      `body:has(#show-gate-${i}:checked) :is(.group:not(.rejected),.card:not([data-gates~="${i}"])){display:none}`,
  );
  return [BASE, ...groups, ...gates].join('\n');
}

const BASE = `
.filters{border:0;padding:0;margin:22px 0 0;min-width:0}
.filters legend{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
.filters label{cursor:pointer}
.filters input{position:absolute;opacity:0;width:1px;height:1px;margin:0}
.filters b{font-weight:500;color:var(--soft)}
.tabs{display:flex;flex-wrap:wrap;gap:8px}
.tabs span{display:block;padding:6px 14px;border:1px solid var(--line);border-radius:17px;background:var(--card)}
.tabs b{margin-left:3px}
.filters label:hover>span{border-color:var(--soft)}
.tabs input:checked+span{background:var(--ink);border-color:var(--ink);color:var(--ground)}
.tabs input:checked+span b{color:inherit;opacity:.8}
input:focus-visible+span,summary:focus-visible,.scores:focus-visible,a:focus-visible{outline:2px solid var(--focus);outline-offset:2px}
.gates{margin-top:22px;display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,400px),1fr));gap:2px 40px}
.gates p{grid-column:1/-1;font-weight:600;font-size:14px;margin-bottom:4px}
.gates small{font-weight:400;margin-left:6px}
.gate{display:grid;grid-template-columns:minmax(0,212px) 1fr 2em;gap:12px;align-items:center;padding:3px 8px;margin:0 -8px;border:1px solid transparent;border-radius:6px;font-size:13.5px}
.gate .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.gate b{text-align:right}
.gate .bar{height:6px;border-radius:2px;background:var(--well)}
.gate i{display:block;height:100%;border-radius:2px;background:var(--bad)}
.gates input:checked+.gate{background:var(--card);border-color:var(--ink)}

.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(220px,1fr));gap:18px;align-items:start}
.card article{background:var(--card);border:1px solid var(--line);border-radius:8px;overflow:hidden}
.card{border-radius:8px}
.many .card{content-visibility:auto;contain-intrinsic-size:auto 340px}
.card.delivered article{border-color:var(--good);box-shadow:0 0 0 1px var(--good)}
.picture{padding:10px;position:relative;display:flex;align-items:center;justify-content:center;aspect-ratio:1;background:var(--well);color:inherit}
.picture img{display:block;width:100%;height:100%;object-fit:contain}
.missing{color:var(--soft);font-size:13.5px}
.rank{position:absolute;top:16px;left:16px;min-width:30px;height:30px;padding:0 8px;border-radius:15px;background:#0b6b3c;color:#fff;font-weight:600;line-height:30px;text-align:center}
.body{padding:11px 13px 12px}
.head{display:flex;justify-content:space-between;align-items:center;gap:8px}
.state{font-size:12.5px;font-weight:500;padding:1px 8px;border-radius:10px;background:var(--none-ground);color:var(--ink);white-space:nowrap}
.state.delivered,.state.passed{background:var(--good-ground);color:var(--good)}
.state.rejected{background:var(--bad-ground);color:var(--bad)}
.state.review{background:var(--wait-ground);color:var(--wait)}
.quality{margin-top:4px;font-size:13.5px;color:var(--soft)}
.quality b{color:var(--ink);font-size:19px;font-weight:600}
.note,.reasons,.error{margin-top:7px;font-size:13.5px;overflow-wrap:anywhere}
.note{color:var(--soft)}
.reasons li+li{margin-top:6px}
.reasons small{display:block}
details{border-top:1px solid var(--line);font-size:12.5px}
summary{cursor:pointer;padding:8px 13px;color:var(--soft)}
summary:hover{color:var(--ink)}
details dl{padding:2px 13px 8px}
details dl div{display:flex;justify-content:space-between;gap:8px}
dt{color:var(--soft)}
details dd{user-select:all;overflow-wrap:anywhere}
.scores{max-height:300px;overflow:auto;border-top:1px solid var(--line)}
table{width:100%;border-collapse:collapse}
th,td{padding:3px 4px;text-align:right;font-weight:400;vertical-align:top}
th:first-child{text-align:left;padding-left:13px}
td:last-child,th:last-child{padding-right:13px}
thead th{color:var(--soft);padding-top:6px}
table{margin-bottom:10px}
tbody tr:first-child>*{padding-top:7px;color:var(--soft);text-align:left}
tbody tr+tr th{padding-left:22px}
td.none{color:var(--soft);overflow-wrap:anywhere}
tr.failed>*{color:var(--bad);font-weight:600}
@media (max-width:560px){.cards{grid-template-columns:repeat(2,minmax(0,1fr));gap:10px}
.head{flex-direction:column;align-items:flex-start;gap:4px}}
@media print{.filters,details{display:none}.many .card{content-visibility:visible;break-inside:avoid}body{background:#fff}}
`;
