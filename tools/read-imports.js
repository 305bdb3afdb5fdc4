/** @file Reads the imports of a TypeScript file without parsing it: comments and strings are masked, then statements matched. */

/**
 * `source` with comments and the contents of strings, templates and regular expressions turned to spaces.
 * Offsets and line numbers stay; code inside `${…}` stays too.
 */
export function maskSource(source) {
  const out = source.split('');
  const blank = (from, to) => {
    for (let i = from; i < to; i++) if (out[i] !== '\n') out[i] = ' ';
  };
  /** Depth of braces at which each open template resumes. */
  const templates = [];
  let depth = 0;
  let at = 0;
  const endOf = (terminator, from) => {
    const end = source.indexOf(terminator, from);
    return end < 0 ? source.length : end;
  };
  /** Skips a template's text from `from`; stops after the closing backtick or after `${`. */
  const skipTemplate = (from) => {
    let i = from;
    while (i < source.length && source[i] !== '`' && !source.startsWith('${', i)) i += source[i] === '\\' ? 2 : 1;
    blank(from, i);
    if (source[i] !== '$') return i + 1;
    templates.push(depth++);
    return i + 2;
  };
  while (at < source.length) {
    const char = source[at];
    if (source.startsWith('//', at)) {
      const end = endOf('\n', at);
      blank(at, end);
      at = end;
    } else if (source.startsWith('/*', at)) {
      const end = endOf('*/', at) + 2;
      blank(at, end);
      at = end;
    } else if (char === "'" || char === '"') {
      let i = at + 1;
      while (i < source.length && source[i] !== char && source[i] !== '\n') i += source[i] === '\\' ? 2 : 1;
      blank(at + 1, i);
      at = i + 1;
    } else if (char === '`') {
      at = skipTemplate(at + 1);
    } else if (char === '/' && startsRegExp(out, at)) {
      let inClass = false;
      let i = at + 1;
      for (; i < source.length && source[i] !== '\n' && (inClass || source[i] !== '/'); i++) {
        if (source[i] === '\\') i++;
        else if (source[i] === '[') inClass = true;
        else if (source[i] === ']') inClass = false;
      }
      blank(at + 1, i);
      at = i + 1;
    } else {
      if (char === '{') depth++;
      if (char === '}' && --depth === templates.at(-1)) {
        templates.pop();
        at = skipTemplate(at + 1);
      } else at++;
    }
  }
  return out.join('');
}

/** A slash opens a regular expression where an operand is due. */
function startsRegExp(out, at) {
  let i = at - 1;
  while (i >= 0 && /\s/.test(out[i])) i--;
  if (i < 0) return true;
  if (/[\w$]/.test(out[i])) {
    const word = out.slice(Math.max(0, i - 9), i + 1).join('');
    return /(?<![\w$.])(?:return|typeof|case|in|of|void|await|yield)$/.test(word);
  }
  return !/[)\]}'"`]/.test(out[i]);
}

const STATEMENT = /(?<![\w$.])(import|export)\s+(?:(type)\s+(?!from\b|,))?(?:[\w$*{}\s,]*?\bfrom\s*)?(['"])/g;
const DYNAMIC = /(?<![\w$.])import\s*\(\s*(['"])/g;

/**
 * Every import of a file, static or dynamic, re-exports included: `{ specifier, line, typeOnly }`.
 * `import { type A }` counts as a value import: under `verbatimModuleSyntax` the module is still loaded.
 */
export function readImports(source, masked = maskSource(source)) {
  const found = [];
  const add = (match, typeOnly) => {
    const start = match.index + match[0].length;
    const specifier = source.slice(start, masked.indexOf(match[0].at(-1), start));
    found.push({ specifier, line: source.slice(0, match.index).split('\n').length, typeOnly });
  };
  for (const match of masked.matchAll(STATEMENT)) {
    // `export 'x'` does not exist; `export const a = 'x'` does not match, for `=` is not part of a clause
    if (match[1] === 'export' && !match[0].includes('from')) continue;
    add(match, match[2] === 'type');
  }
  for (const match of masked.matchAll(DYNAMIC)) {
    add(match, /(?<![\w$.])typeof\s+$/.test(masked.slice(0, match.index)));
  }
  return found.sort((a, b) => a.line - b.line);
}
