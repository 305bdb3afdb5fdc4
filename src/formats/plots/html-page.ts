/** @file A page of HTML in one file: text, tables, plots and pictures, light and dark, nothing loaded from elsewhere. */
import { escapeXml } from './svg-plot.ts';

/** A piece of a page. */
export interface PageSection {
  readonly heading?: string;
  /** HTML; made with `paragraph`, `table`, `figure` …, or an SVG. */
  readonly body: readonly string[];
}

const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--ink:#171b22;--soft:#5b6472;--line:#dfe3e9;--card:#f6f7f9;--warn:#fff4d6;--warn-line:#d9a400;--accent:#0a66c2}
@media (prefers-color-scheme:dark){:root{--ground:#14171c;--ink:#e8ebf0;--soft:#9aa4b2;--line:#2b313b;--card:#1b1f26;--warn:#332a10;--warn-line:#b58a1b;--accent:#6cb6ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1840px;margin:0 auto;padding:40px clamp(16px,3vw,56px) 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:17px;margin:36px 0 10px}
p{margin:8px 0;max-width:76ch}.lead{color:var(--soft)}
code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
code{background:var(--card);padding:1px 5px;border-radius:4px}
pre{background:var(--card);padding:12px 14px;border-radius:8px;overflow-x:auto}
.warning{background:var(--warn);border-left:4px solid var(--warn-line);border-radius:4px;padding:10px 14px;margin:12px 0}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,var(--least)),1fr));gap:20px}.plots svg{display:block;width:100%;height:auto;min-width:min(var(--least),520px);max-width:1060px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:14px}
th,td{padding:4px 12px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap}
th{color:var(--soft);font-weight:500}th:first-child,td:first-child{padding-left:0}
td.text,th.text{text-align:left}tr.chosen td{font-weight:600;color:var(--accent)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 18px;margin:14px 0}dd{max-width:110ch}dt{color:var(--soft)}dd{margin:0}
.strip{display:grid;gap:10px 8px;align-items:center;justify-content:start;font-size:12px;color:var(--soft)}
.strip img{display:block;image-rendering:pixelated;border-radius:3px}.strip .head{text-align:center;line-height:1.35;font-variant-numeric:tabular-nums}.strip .name{padding-right:8px;text-align:right}
footer{margin-top:48px;color:var(--soft);font-size:13px}
`;

/** The text of an HTML file. `title` and `lead` are plain text. */
export function htmlPage(title: string, lead: string, sections: readonly PageSection[]): string {
  const body = sections.map(({ heading, body }) =>
    [...(heading === undefined ? [] : [`<h2>${escapeXml(heading)}</h2>`]), ...body].join('\n'),
  );
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeXml(title)}</title>
<style>${STYLE}</style>
<main>
<h1>${escapeXml(title)}</h1>
<p class="lead">${escapeXml(lead)}</p>
${body.join('\n')}
<footer>made with inkwash</footer>
</main>
</html>
`;
}

export function paragraph(text: string): string {
  return `<p>${escapeXml(text)}</p>`;
}

export function warningBox(text: string): string {
  return `<div class="warning">${escapeXml(text)}</div>`;
}

export function commandLine(text: string): string {
  return `<pre>${escapeXml(text)}</pre>`;
}

/** Plots side by side where each has `least` pixels; what is wider than a narrow screen is scrolled to. */
export function plotRow(svgs: readonly string[], least = 480): string {
  const plots = svgs.map((svg) => `<div class="scroll">${svg}</div>`);
  return `<div class="plots" style="--least:${least}px">${plots.join('\n')}</div>`;
}

/** Names and values, one pair per row. */
export function factList(facts: readonly (readonly [name: string, value: string])[]): string {
  return `<dl>${facts.map(([name, value]) => `<dt>${escapeXml(name)}</dt><dd>${escapeXml(value)}</dd>`).join('')}</dl>`;
}

/** Options of `htmlTable`. */
export interface HtmlTableOptions {
  /** Columns of words, set to the left. */
  readonly textColumns?: readonly number[];
  /** Row to set off. */
  readonly chosen?: number;
}

export function htmlTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { textColumns = [], chosen }: HtmlTableOptions = {},
): string {
  const cell = (tag: 'td' | 'th') => (text: string, column: number) =>
    `<${tag}${textColumns.includes(column) ? ' class="text"' : ''}>${escapeXml(text)}</${tag}>`;
  const body = rows.map((row, i) => `<tr${i === chosen ? ' class="chosen"' : ''}>${row.map(cell('td')).join('')}</tr>`);
  return `<div class="scroll"><table><thead><tr>${head.map(cell('th')).join('')}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

/** Rows of pictures under common column heads. */
export interface PictureTable {
  readonly columns: readonly (readonly string[])[];
  readonly rows: readonly {
    readonly name: string;
    /** `data:` addresses. */
    readonly sources: readonly string[];
  }[];
  /** Edge of a shown picture in pixels. */
  readonly edge: number;
}

/** Pictures in a grid, every column with its lines of text above. */
export function pictureTable({ columns, rows, edge }: PictureTable): string {
  const head = columns.map((lines) => `<div class="head">${lines.map(escapeXml).join('<br>')}</div>`);
  const body = rows.flatMap(({ name, sources }) => [
    `<div class="name">${escapeXml(name)}</div>`,
    ...sources.map((source) => `<img src="${source}" alt="" width="${edge}" height="${edge}">`),
  ]);
  return `<div class="scroll"><div class="strip" style="grid-template-columns:max-content repeat(${columns.length},${edge}px)"><div></div>${head.join('')}${body.join('\n')}</div></div>`;
}
