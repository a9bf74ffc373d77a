/** The painter's vocabulary: every word that it understands, and what it stands for. */

export const OBJECTS = [
  'mug',
  'bottle',
  'vase',
  'box',
  'book',
  'phone',
  'bag',
  'watch',
  'lamp',
  'chair',
  'shoe',
  'headphones',
] as const;
export type ObjectName = (typeof OBJECTS)[number];

/** Mid-tones of the lit side, sRGB. All leave room for a highlight below white, so that over-exposure shows as clipping. */
export const COLOURS = {
  red: '#b02a2e',
  orange: '#c2632a',
  yellow: '#c2a032',
  green: '#3a7d4a',
  teal: '#2a7f86',
  blue: '#2f5ea8',
  navy: '#2a3a66',
  purple: '#6c4796',
  pink: '#c0718c',
  brown: '#75503a',
  black: '#333337',
  white: '#bdbcb9',
  grey: '#85878a',
  silver: '#9ba0a5',
  gold: '#a88a45',
  beige: '#b09d80',
} as const;
export type ColourName = keyof typeof COLOURS;

export const BACKGROUNDS = [
  'white',
  'grey',
  'black',
  'beige',
  'pink',
  'blue',
  'green',
  'studio',
  'wood',
  'marble',
] as const;
export type BackgroundName = (typeof BACKGROUNDS)[number];

export const OBJECT_WORDS: Readonly<Record<string, ObjectName>> = {
  ...Object.fromEntries(OBJECTS.map((name) => [name, name])),
  cup: 'mug',
  flask: 'bottle',
  perfume: 'bottle',
  shampoo: 'bottle',
  pot: 'vase',
  jar: 'vase',
  package: 'box',
  carton: 'box',
  parcel: 'box',
  notebook: 'book',
  novel: 'book',
  smartphone: 'phone',
  handset: 'phone',
  handbag: 'bag',
  purse: 'bag',
  tote: 'bag',
  backpack: 'bag',
  wristwatch: 'watch',
  light: 'lamp',
  stool: 'chair',
  sneaker: 'shoe',
  trainer: 'shoe',
  boot: 'shoe',
  headphone: 'headphones',
  headset: 'headphones',
};

export const COLOUR_WORDS: Readonly<Record<string, ColourName>> = {
  ...(Object.fromEntries(Object.keys(COLOURS).map((name) => [name, name])) as Record<string, ColourName>),
  crimson: 'red',
  scarlet: 'red',
  cyan: 'teal',
  turquoise: 'teal',
  violet: 'purple',
  rose: 'pink',
  gray: 'grey',
  golden: 'gold',
  cream: 'beige',
  tan: 'beige',
};

export const BACKGROUND_WORDS: Readonly<Record<string, BackgroundName>> = {
  ...Object.fromEntries(BACKGROUNDS.map((name) => [name, name])),
  gray: 'grey',
  cream: 'beige',
  wooden: 'wood',
  table: 'wood',
  desk: 'wood',
  oak: 'wood',
  stone: 'marble',
  gradient: 'studio',
  seamless: 'studio',
};

export const COUNT_WORDS: Readonly<Record<string, number>> = {
  a: 1,
  an: 1,
  one: 1,
  single: 1,
  two: 2,
  pair: 2,
  couple: 2,
  three: 3,
  trio: 3,
  four: 4,
  several: 3,
};
