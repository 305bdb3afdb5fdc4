/** @file Words for the parts of dicebear's pixelArt avatars: attributes, captions and class labels. */
import { ConfigError, nearestName } from '../tensor/index.ts';
import { nearestColourWord, type Palette, paletteWords } from './colour-words.ts';
import type { Attributes } from './dataset.ts';

/** What dicebear reports of one avatar: style parts (`hair: 'long14'`) and colours (`hairColor: '#bd1700'`). */
export type AvatarParts = Readonly<Record<string, unknown>>;

/** Attributes a class label can be made of. */
export type AvatarAttribute = keyof typeof VOCABULARY;

const HAIR_COLOURS: Palette = [
  ['#28150a', 'black'],
  ['#603a14', 'brown'],
  ['#603015', 'brown'],
  ['#83623b', 'light brown'],
  ['#611c17', 'auburn'],
  ['#612616', 'auburn'],
  ['#cab188', 'blond'],
  ['#a78961', 'dark blond'],
  ['#bd1700', 'red'],
  ['#91cb15', 'green'],
  ['#009bbd', 'blue'],
];

const CLOTHING_COLOURS: Palette = [
  ['#d11141', 'red'],
  ['#ae0001', 'dark red'],
  ['#ff6f69', 'pink'],
  ['#ffc425', 'yellow'],
  ['#ffd969', 'yellow'],
  ['#ffeead', 'cream'],
  ['#00b159', 'green'],
  ['#44c585', 'green'],
  ['#88d8b0', 'light green'],
  ['#5bc0de', 'light blue'],
  ['#428bca', 'blue'],
  ['#03396c', 'navy'],
];

const HAT_COLOURS: Palette = [
  ['#a62116', 'red'],
  ['#cc6192', 'pink'],
  ['#614f8a', 'purple'],
  ['#2663a3', 'blue'],
  ['#3d8a6b', 'green'],
  ['#989789', 'grey'],
  ['#2e1e05', 'black'],
];

const METALS: Palette = [
  ['#daa520', 'gold'],
  ['#ffd700', 'gold'],
  ['#fafad2', 'pale gold'],
  ['#d3d3d3', 'silver'],
  ['#a9a9a9', 'silver'],
];

const SKIN_TONES: Palette = [
  ['#8d5524', 'dark'],
  ['#a26d3d', 'dark'],
  ['#b68655', 'tan'],
  ['#cb9e6e', 'tan'],
  ['#e0b687', 'light'],
  ['#eac393', 'light'],
  ['#f5cfa0', 'light'],
  ['#ffdbac', 'light'],
];

/** Hair styles that have a better word than the `long` or `short` of their name (the others keep it). */
const HAIR_STYLES: Readonly<Record<string, string>> = {
  long04: 'chin-length',
  long05: 'bun',
  long06: 'braid',
  long10: 'side-shaved',
  long11: 'chin-length',
  long14: 'two buns',
  long15: 'curly',
  long16: 'chin-length',
  long17: 'chin-length',
  long18: 'pigtails',
  long19: 'braid',
  long20: 'chin-length',
  long21: 'chin-length',
  short05: 'tuft',
  short07: 'receding',
  short11: 'curly',
  short12: 'spiky',
  short13: 'curly',
  short18: 'balding',
  short20: 'receding',
  short21: 'mohawk',
  short23: 'receding',
};

/** Styles that are a thing on the head ("red pigtails") and not a kind of hair ("long red hair"). */
const HAIR_NOUNS: Readonly<Record<string, string>> = {
  bun: 'hair in a bun',
  'two buns': 'hair in two buns',
  braid: 'hair in a braid',
  pigtails: 'pigtails',
  tuft: 'tuft of hair',
  mohawk: 'mohawk',
};

/** Styles of which enough shows below a hat to be worth a word. */
const SEEN_BELOW_HATS = ['long', 'chin-length', 'curly', 'bun', 'braid', 'pigtails', 'side-shaved'];

const HATS = [
  'beanie',
  'cap',
  'striped beanie',
  'striped beanie',
  'beanie',
  'brimmed hat',
  'cap',
  'beanie',
  'beanie',
  'beanie',
];

const CLOTHES: Readonly<Record<string, string>> = {
  variant01: 'shirt',
  variant02: 'patterned shirt',
  variant06: 'checked shirt',
  variant07: 'tank top',
  variant09: 'tank top',
  variant10: 'tank top',
  variant11: 'v-neck',
  variant12: 'turtleneck',
  variant13: 'striped shirt',
  variant15: 'tank top',
  variant16: 'v-neck',
  variant17: 'v-neck',
  variant18: 'tank top',
  variant19: 'tank top',
  variant20: 'tank top',
  variant21: 'tank top',
  variant22: 'vest',
  variant23: 'shirt',
};

const distinct = (words: readonly string[]): string[] => [...new Set(words)];

/** Every word each attribute can take, in the order of its class indices: fixed, whatever the sample. */
export const VOCABULARY = {
  hairColor: paletteWords(HAIR_COLOURS),
  hair: distinct(['short', 'long', ...Object.values(HAIR_STYLES)]),
  glasses: ['none', 'glasses', 'sunglasses'],
  hat: distinct(['none', ...HATS]),
  beard: ['none', 'beard'],
  earrings: distinct(['none', ...paletteWords(METALS)]),
  clothing: distinct(['t-shirt', ...Object.values(CLOTHES)]),
  clothingColor: paletteWords(CLOTHING_COLOURS),
  skin: paletteWords(SKIN_TONES),
  mood: ['happy', 'sad'],
} satisfies Record<string, readonly string[]>;

/**
 * The attributes of one avatar in plain words, every key of `VOCABULARY` present, plus `hatColor` when there is a hat;
 * and dicebear's own exact values as `dicebear.hair`, `dicebear.hairColor` …
 */
export function avatarAttributes(parts: AvatarParts): Record<AvatarAttribute, string> & Attributes {
  const part = (name: string): string => (typeof parts[name] === 'string' ? (parts[name] as string) : '');
  const hair = part('hair');
  const glasses = part('glasses');
  const hat = HATS[Number(part('hat').replace('variant', '')) - 1];
  return {
    hairColor: nearestColourWord(part('hairColor'), HAIR_COLOURS),
    hair: HAIR_STYLES[hair] ?? (hair.startsWith('long') ? 'long' : 'short'),
    glasses: glasses === '' ? 'none' : glasses.startsWith('dark') ? 'sunglasses' : 'glasses',
    hat: hat ?? 'none',
    beard: part('beard') === '' ? 'none' : 'beard',
    earrings: part('accessories') === '' ? 'none' : nearestColourWord(part('accessoriesColor'), METALS),
    clothing: CLOTHES[part('clothing')] ?? 't-shirt',
    clothingColor: nearestColourWord(part('clothingColor'), CLOTHING_COLOURS),
    skin: nearestColourWord(part('skinColor'), SKIN_TONES),
    mood: part('mouth').startsWith('happy') ? 'happy' : 'sad',
    ...(hat && { hatColor: nearestColourWord(part('hatColor'), HAT_COLOURS) }),
    ...Object.fromEntries(Object.keys(parts).flatMap((name) => (part(name) ? [[`dicebear.${name}`, part(name)]] : []))),
  };
}

/** A caption such as "long red hair, glasses, blue striped shirt, light skin, happy": what is seen, never what is not. */
export function avatarCaption(facts: Record<AvatarAttribute, string> & Attributes): string {
  const noun = HAIR_NOUNS[facts.hair];
  const isSeen = facts.hat === 'none' || SEEN_BELOW_HATS.includes(facts.hair);
  return [
    isSeen && (noun ? `${facts.hairColor} ${noun}` : `${facts.hair} ${facts.hairColor} hair`),
    facts.hat !== 'none' && `${facts.hatColor} ${facts.hat}`,
    facts.glasses !== 'none' && facts.glasses,
    facts.beard !== 'none' && 'beard',
    facts.earrings !== 'none' && `${facts.earrings} earrings`,
    `${facts.clothingColor} ${facts.clothing}`,
    `${facts.skin} skin`,
    facts.mood,
  ]
    .filter(Boolean)
    .join(', ');
}

/** Class names and indices made of one or several attributes (their product, e.g. "red hair, glasses"). */
export function avatarLabels(
  all: readonly Readonly<Record<AvatarAttribute, string>>[],
  labelBy: AvatarAttribute | readonly AvatarAttribute[],
): { labels: Int32Array; classNames: string[] } {
  const attributes = typeof labelBy === 'string' ? [labelBy] : labelBy;
  const known = Object.keys(VOCABULARY);
  if (attributes.length === 0) throw new ConfigError('labelBy names no attribute', `choose of ${known.join(', ')}`);
  for (const attribute of attributes) {
    if (!known.includes(attribute)) {
      const near = nearestName(attribute, known);
      throw new ConfigError(
        `avatars have no attribute "${attribute}"`,
        `${near ? `did you mean "${near}"? ` : ''}choose of ${known.join(', ')}`,
      );
    }
  }
  const vocabularies = attributes.map((attribute) => VOCABULARY[attribute] as readonly string[]);
  const classNames = vocabularies.reduce<string[]>(
    (names, words, i) =>
      names.flatMap((name) => words.map((word) => [name, phrase(attributes[i]!, word)].filter(Boolean).join(', '))),
    [''],
  );
  const labels = Int32Array.from(all, (facts) =>
    attributes.reduce(
      (label, attribute, i) => label * vocabularies[i]!.length + vocabularies[i]!.indexOf(facts[attribute]),
      0,
    ),
  );
  return { labels, classNames };
}

/** How an attribute's word reads in a class name. */
function phrase(attribute: AvatarAttribute, word: string): string {
  if (word === 'none') return `no ${attribute}`;
  switch (attribute) {
    case 'hairColor':
    case 'hair':
      return HAIR_NOUNS[word] ?? `${word} hair`;
    case 'earrings':
      return `${word} earrings`;
    case 'clothingColor':
      return `${word} clothes`;
    case 'skin':
      return `${word} skin`;
    default:
      return word;
  }
}
