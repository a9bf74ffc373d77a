import { decodeHTML, decodeHTMLStrict } from 'entities';

/** What `ftfy` writes out: letters that were drawn as one for looks. NFKC spells each as it does. */
const LIGATURES = /[\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\ufb00-\ufb06]/g;
/** Full-width and half-width forms, and the ideographic space. */
const WIDE = /[\u3000\uff01-\uffef]/g;
/** A terminal's escape sequence; `\p{Cc}` stands for its first, the control character ESC. */
const TERMINAL = /\p{Cc}\[[\d;]*[a-zA-Z]/gu;
/** Control characters but tab, line ends and form feed. */
const CONTROL = /(?![\t\n\f\r\u0080-\u009f])\p{Cc}|[\u206a-\u206f\ufeff\ufff9-\ufffc]/gu;

/**
 * A text as OpenAI's tokenizer of CLIP cleans it before it looks for words: curly quotes, ligatures and full-width letters made
 * plain, terminal escapes and control characters taken out, HTML entities decoded, white space to single blanks, lower case.
 * The steps are those of `ftfy.fix_text`, `html.unescape` and `lower` in the order of openai/CLIP `simple_tokenizer.py`; what ftfy guesses
 * from damaged encodings (`cafÃ©`) stays as it is.
 *
 * @example
 * cleaned('The “Red”  Mug &amp; more'); // 'the "red" mug & more'
 */
export function cleaned(text: string): string {
  const once = text.includes('<') ? text : decodeHTMLStrict(text);
  const plain = once
    .replace(LIGATURES, (letters) => (letters === 'ŉ' ? "'n" : letters === 'ﬅ' ? 'ſt' : letters.normalize('NFKC')))
    .replace(WIDE, (letter) => letter.normalize('NFKC'))
    .replace(/[\u02bc\u2018-\u201b]/g, "'")
    .replace(/[\u201c-\u201f]/g, '"')
    .replace(TERMINAL, '')
    .replace(CONTROL, '')
    .normalize('NFC');
  return decodeHTML(decodeHTML(plain))
    .replace(/[\s\u0085]+/g, ' ')
    .trim()
    .toLowerCase();
}
