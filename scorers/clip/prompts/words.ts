/** Words whose meaning can be exchanged: what a sentence claims, and what it would claim instead. */

/** Names of colours, each with words that mean the same. */
export const COLOURS: Readonly<Record<string, readonly string[]>> = {
  red: ['crimson', 'scarlet'],
  orange: [],
  yellow: [],
  green: [],
  teal: ['cyan', 'turquoise'],
  blue: [],
  navy: [],
  purple: ['violet'],
  pink: ['rose'],
  brown: [],
  black: [],
  white: [],
  grey: ['gray'],
  silver: [],
  gold: ['golden'],
  beige: ['cream', 'tan'],
};

/** Backgrounds: a name, words that mean it, and how it is said. */
export const BACKGROUNDS: Readonly<Record<string, { words: readonly string[]; phrase: string }>> = {
  white: { words: ['white'], phrase: 'a white background' },
  grey: { words: ['grey', 'gray'], phrase: 'a grey background' },
  black: { words: ['black'], phrase: 'a black background' },
  beige: { words: ['beige', 'cream'], phrase: 'a beige background' },
  pink: { words: ['pink'], phrase: 'a pink background' },
  blue: { words: ['blue'], phrase: 'a blue background' },
  green: { words: ['green'], phrase: 'a green background' },
  wood: { words: ['wood', 'wooden', 'oak', 'table', 'tabletop', 'desk'], phrase: 'a wooden table' },
  marble: { words: ['marble', 'stone'], phrase: 'a marble background' },
  studio: { words: ['studio', 'seamless', 'gradient'], phrase: 'a studio background' },
};

/** Things that are taken for one another, in groups: [singular, plural, words that mean the same in the singular]. */
export const THINGS: readonly (readonly (readonly [string, string, ...string[]])[])[] = [
  [
    ['mug', 'mugs', 'cup'],
    ['bottle', 'bottles', 'flask', 'perfume', 'shampoo'],
    ['vase', 'vases', 'pot', 'jar'],
    ['box', 'boxes', 'package', 'carton', 'parcel'],
    ['book', 'books', 'notebook', 'novel'],
    ['phone', 'phones', 'smartphone', 'handset'],
    ['bag', 'bags', 'handbag', 'purse', 'tote', 'backpack'],
    ['watch', 'watches', 'wristwatch'],
    ['lamp', 'lamps'],
    ['chair', 'chairs', 'stool'],
    ['shoe', 'shoes', 'sneaker', 'trainer', 'boot'],
    ['headphones', 'headphones', 'headset', 'headphone'],
    ['plate', 'plates', 'dish'],
    ['laptop', 'laptops', 'notebook computer'],
    ['camera', 'cameras'],
    ['candle', 'candles'],
  ],
  [
    ['shirt', 'shirts', 't-shirt', 'blouse'],
    ['jacket', 'jackets', 'blazer'],
    ['dress', 'dresses', 'gown'],
    ['coat', 'coats'],
    ['sweater', 'sweaters', 'jumper', 'pullover', 'hoodie'],
    ['skirt', 'skirts'],
    ['hat', 'hats', 'cap'],
    ['scarf', 'scarves'],
  ],
  [
    ['man', 'men', 'gentleman'],
    ['woman', 'women', 'lady'],
    ['boy', 'boys'],
    ['girl', 'girls'],
  ],
  [
    ['dog', 'dogs', 'puppy'],
    ['cat', 'cats', 'kitten'],
    ['horse', 'horses', 'pony'],
    ['bird', 'birds'],
  ],
];

/** How many: the word that stands for a number when it is exchanged, and all that mean it. */
export const COUNTS: readonly { word: string; pattern: RegExp }[] = [
  { word: 'a', pattern: /^(a|an|one|1|a single)$/ },
  { word: 'two', pattern: /^(two|2|a pair of|a couple of)$/ },
  { word: 'three', pattern: /^(three|3|several|a trio of)$/ },
  { word: 'four', pattern: /^(four|4)$/ },
];

/** Words of a piece that is about the background. */
export const BACKDROP = /\b(background|backgrounds|backdrop|surface|wall|table|tabletop|desk|studio|seamless)\b/;

/** Words that say how a picture is made, not what is on it. A piece that has no others claims nothing. */
const STYLE =
  'photo photos photograph photography photorealistic photographic picture image shot render rendering product packshot ecommerce commerce e ' +
  'commercial professional catalog catalogue advertising studio editorial cinematic realistic raw analog film dslr macro closeup close up ' +
  'masterpiece best high highest top quality resolution res ultra hd uhd hdr 4k 8k 16k 35mm 50mm 85mm detailed detail details intricate ' +
  'highly extremely very sharp focus focused crisp clean beautiful stunning perfect award winning trending artstation bokeh depth field ' +
  'lighting light lit soft even natural dramatic volumetric centred centered isolated lens f iso canon nikon sony';
const SMALL = 'a an the of and with in on at by for to from its it is style full frame';

const styleWords = new Set(STYLE.split(' '));
const smallWords = new Set(SMALL.split(' '));

export const isStyle = (word: string): boolean => styleWords.has(word);
export const isSmall = (word: string): boolean => smallWords.has(word);

/** Lower-case words of a text. */
export const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** Words that say what is on a picture. */
export const contentOf = (text: string): string[] =>
  wordsOf(text).filter((word) => !isSmall(word) && !isStyle(word) && word !== 'background');

/** Flaws that are said of a picture, not of a thing on it. */
const FLAWS =
  'blurry blurred unsharp grainy noisy pixelated overexposed underexposed dark bright washed oversaturated desaturated cropped distorted deformed ' +
  'disfigured ugly bad worst low poor lowres jpeg dirty cluttered quality';
const flaws = new Set(FLAWS.split(' '));
export const isFlaw = (word: string): boolean => flaws.has(word);
