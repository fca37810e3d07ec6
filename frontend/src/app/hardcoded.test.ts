// @vitest-environment node
import { readdirSync, readFileSync } from 'node:fs';
import ts from 'typescript';
import { expect, test } from 'vitest';

/** What is read or heard. */
const SPOKEN = new Set(['aria-label', 'alt', 'title', 'placeholder', 'label', 'description', 'legend']);
const WORD = /\p{L}{2}/u;

/** Words that stand in the source of a component, and so in no file of words. */
function hardcoded(file: string, text: string): string[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const say = (node: ts.Node, words: string) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    found.push(`${file}:${line + 1}: ${words.trim()}`);
  };
  const walk = (node: ts.Node) => {
    if (ts.isJsxText(node) && WORD.test(node.text)) say(node, node.text);
    if (ts.isJsxAttribute(node) && SPOKEN.has(node.name.getText(source))) {
      const value = node.initializer;
      if (value && ts.isStringLiteral(value) && WORD.test(value.text)) say(node, value.text);
    }
    if (ts.isJsxExpression(node) && node.expression && ts.isStringLiteral(node.expression)) {
      const inText = ts.isJsxElement(node.parent) || ts.isJsxFragment(node.parent);
      if (inText && WORD.test(node.expression.text)) say(node, node.expression.text);
    }
    ts.forEachChild(node, walk);
  };
  walk(source);
  return found;
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.tsx') && !name.endsWith('.test.tsx'),
);

test('every word of a component comes from a file of words', () => {
  expect(files.length).toBeGreaterThan(80);
  const found = files.flatMap((name) => hardcoded(name, readFileSync(`src/${name}`, 'utf8')));
  expect(found).toEqual([]);
}, 60_000);

test.each([
  ['<p>Hello</p>', 1],
  ['<p>{"Hello"}</p>', 1],
  ['<img alt="A sea" />', 1],
  ['<p title={t("x")}>{t("y")} · 12</p>', 0],
  ['<use href="Hello" />', 0],
])('a word in %s is found', (code, count) => {
  expect(hardcoded('x.tsx', `const a = ${code};`)).toHaveLength(count);
});
