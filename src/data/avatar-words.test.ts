import { pixelArt } from '@dicebear/collection';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../tensor/index.ts';
import { type AvatarAttribute, avatarAttributes, avatarCaption, avatarLabels, VOCABULARY } from './avatar-words.ts';

const parts = {
  hair: 'long01',
  hairColor: '#bd1700',
  glasses: 'light03',
  beard: undefined,
  clothing: 'variant13',
  clothingColor: '#428bca',
  skinColor: '#ffdbac',
  mouth: 'happy02',
};

describe('avatar captions', () => {
  test('say what there is, in plain words', () => {
    expect(avatarCaption(avatarAttributes(parts))).toBe(
      'long red hair, glasses, blue striped shirt, light skin, happy',
    );
    const dressed = {
      ...parts,
      hair: 'long18',
      hat: 'variant03',
      hatColor: '#614f8a',
      glasses: 'dark01',
      beard: 'variant01',
      accessories: 'variant01',
      accessoriesColor: '#ffd700',
      mouth: 'sad01',
    };
    expect(avatarCaption(avatarAttributes(dressed))).toBe(
      'red pigtails, purple striped beanie, sunglasses, beard, gold earrings, blue striped shirt, light skin, sad',
    );
  });

  test('leave out hair that a hat covers', () => {
    const covered = { ...parts, hair: 'short21', hat: 'variant01', hatColor: '#2663a3' };
    expect(avatarCaption(avatarAttributes(covered))).toBe(
      'blue beanie, glasses, blue striped shirt, light skin, happy',
    );
  });

  test('keep the exact values too', () => {
    expect(avatarAttributes(parts)).toMatchObject({ 'dicebear.hair': 'long01', 'dicebear.hairColor': '#bd1700' });
    expect(avatarAttributes(parts)).not.toHaveProperty(['dicebear.beard']);
  });
});

test('every part dicebear can draw has its words in the vocabulary', () => {
  const properties = pixelArt.schema.properties as Record<string, { items?: { enum?: string[] }; default?: string[] }>;
  for (const [name, { items, default: defaults }] of Object.entries(properties)) {
    const isColour = name.endsWith('Color');
    for (const value of items?.enum ?? (isColour ? (defaults ?? []) : [])) {
      const facts = avatarAttributes({ ...parts, [name]: isColour ? `#${value}` : value });
      for (const [attribute, words] of Object.entries(VOCABULARY)) {
        expect(words as readonly string[]).toContain(facts[attribute]);
      }
    }
  }
});

describe('avatar labels', () => {
  const facts = [parts, { ...parts, glasses: undefined, hairColor: '#28150a' }].map(avatarAttributes);

  test('index the vocabulary of one attribute', () => {
    const { labels, classNames } = avatarLabels(facts, 'glasses');
    expect(classNames).toEqual(['no glasses', 'glasses', 'sunglasses']);
    expect([...labels]).toEqual([1, 0]);
  });

  test('index the product of several', () => {
    const { labels, classNames } = avatarLabels(facts, ['hairColor', 'glasses']);
    expect(classNames).toHaveLength(VOCABULARY.hairColor.length * 3);
    expect([...labels].map((label) => classNames[label])).toEqual(['red hair, glasses', 'black hair, no glasses']);
  });

  test('have distinct names for every attribute', () => {
    for (const attribute of Object.keys(VOCABULARY) as AvatarAttribute[]) {
      const { classNames } = avatarLabels([], attribute);
      expect(new Set(classNames).size).toBe(classNames.length);
    }
  });

  test('refuse an unknown attribute, naming the nearest', () => {
    expect(() => avatarLabels([], 'hairColour' as 'hairColor')).toThrow(ConfigError);
    expect(() => avatarLabels([], 'hairColour' as 'hairColor')).toThrow('did you mean "hairColor"?');
    expect(() => avatarLabels([], [])).toThrow('labelBy names no attribute');
  });
});
