import { describe, expect, it } from 'vitest';
import { formatPythonJson, parsePythonJson } from './python-json.ts';

describe('parsePythonJson', () => {
  it("reads Python's infinities and NaN wherever a value stands", () => {
    expect(parsePythonJson('{"a": -Infinity, "b": [NaN, Infinity, 1], "c": {"d": NaN}}')).toEqual({
      a: Number.NEGATIVE_INFINITY,
      b: [Number.NaN, Number.POSITIVE_INFINITY, 1],
      c: { d: Number.NaN },
    });
    expect(parsePythonJson(' -Infinity\n')).toBe(Number.NEGATIVE_INFINITY);
  });

  it('leaves the words alone inside texts and keys', () => {
    const text = '{"NaN": "-Infinity", "a\\"b": "say \\"NaN\\", Infinity", "x": NaN}';
    expect(parsePythonJson(text)).toEqual({ NaN: '-Infinity', 'a"b': 'say "NaN", Infinity', x: Number.NaN });
  });

  it('gives what JSON.parse gives, Python words or not', () => {
    const json =
      '{"a":[],"b":{},"c":[1e-5,-0,2E+3,0.5,null,true,false],"d":"\\u00e9\\n\\ud83d\\ude00 é","__proto__":{"x":1}}';
    const { nan, ...rest } = parsePythonJson(`${json.slice(0, -1)} , "nan" : NaN }`) as Record<string, unknown>;
    expect(nan).toBeNaN();
    expect(rest).toEqual(JSON.parse(json));
    expect(Object.hasOwn(rest, '__proto__')).toBe(true);
  });

  it('skips a byte order mark', () => {
    expect(parsePythonJson('\uFEFF{"a": 1}')).toEqual({ a: 1 });
  });

  it.each([
    ['{\n  "a": NaN,\n  "b": nan\n}', "line 3, column 8: expected a value, found 'n'"],
    ['{"a": -Infinity "b": 1}', "line 1, column 17: expected ',' or '}', found '\"'"],
    ['{"a": Infinity', "line 1, column 15: expected ',' or '}', found the end"],
    ['{"a": Infinityx}', "line 1, column 15: expected ',' or '}', found 'x'"],
    ['[1, 2,]', "line 1, column 7: expected a value, found ']'"],
    ['{"a" 1}', "line 1, column 6: expected ':', found '1'"],
    ['{a: 1}', "line 1, column 2: expected a text in quotes, found 'a'"],
    ['{"a": "b\n"}', "line 1, column 7: expected a text without line breaks, its escapes those of JSON, found '\"'"],
    ['{"a": "b}', "line 1, column 7: expected the '\"' that ends this text, found '\"'"],
    ['[01]', "line 1, column 3: expected ',' or ']', found '1'"],
    ['[+Infinity]', "line 1, column 2: expected a value, found '+'"],
    ['', 'line 1, column 1: expected a value, found the end'],
    ['{} {}', "line 1, column 4: expected the end of the file, found '{'"],
    ['['.repeat(100_000), "line 1, column 1002: expected at most 1000 levels, found '['"],
  ])('says where %j is wrong', (text, message) => {
    expect(() => parsePythonJson(text)).toThrow(new SyntaxError(message));
  });
});

describe('formatPythonJson', () => {
  it('writes infinities and NaN by name, the rest as JSON.stringify does', () => {
    const value = { a: [1, { b: 'x"y' }, []], c: {}, d: null, e: true, f: undefined, g: 1e-5 };
    expect(formatPythonJson(value)).toBe(JSON.stringify(value, undefined, 2));
    expect(formatPythonJson({ low: Number.NEGATIVE_INFINITY, both: [Number.POSITIVE_INFINITY, Number.NaN] })).toBe(
      '{\n  "low": -Infinity,\n  "both": [\n    Infinity,\n    NaN\n  ]\n}',
    );
  });

  it('writes what it reads', () => {
    const text = formatPythonJson({ 'a "b"': [Number.NaN, 0.1, 'NaN'], c: Number.NEGATIVE_INFINITY });
    expect(formatPythonJson(parsePythonJson(text))).toBe(text);
  });
});
