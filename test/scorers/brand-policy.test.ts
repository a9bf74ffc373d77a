/** examples/policies/brand.yaml with the real networks: each of its gates and rules passes what it should pass and fails what it is for. */
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { readPolicy } from '../../cli/release.js';
import type { Picture } from '../../scorers/frame.js';
import type { Models } from '../../scorers/models/models.js';
import { builtInScorers } from '../../scorers/registry.js';
import type { Ask } from '../../scorers/scorer.js';
import { dimensionsRead } from '../../selection/dimensions.js';
import { judge } from '../../selection/judge.js';
import type { Policy, Scores, Verdict } from '../../selection/types.js';
import { exposed, faceModels, frameWith, portraits } from './faces/photos.js';
import { written } from './letters.js';
import { ARROW, logoFile, svg } from './marks.js';
import { assess, disc, frameOf, png } from './synthetic.js';

const BACKDROP = [228, 216, 196] as const;
/** A dark product in the middle of the brand's backdrop. */
const plain = (background: readonly [number, number, number] = BACKDROP): Picture =>
  disc({ background, colour: [120, 40, 50], y: 280, radius: 165 });
const labelled = (word = 'SEAL', picture = plain()): Picture =>
  written(picture, { word, left: 175, top: 340, square: 6, level: 255 });
const sign = (word: string): Picture => written(labelled(), { word, left: 170, top: 24, square: 6, level: 40 });

async function marked(picture: Picture, at: { left: number; top: number; size: number }): Promise<Buffer> {
  const input = await sharp(svg(ARROW.replace('#1c4fa0', '#e8f0ff'))).resize(at.size).png().toBuffer(); // prettier-ignore
  return sharp(await png(picture))
    .composite([{ input, left: at.left, top: at.top }])
    .png()
    .toBuffer();
}

let policy: Policy;
let models: Models;
let faces: Record<'open' | 'lowered', Buffer>;
beforeAll(async () => {
  policy = await readPolicy('examples/policies/brand.yaml', []);
  models = await faceModels();
  const [one, six] = [await portraits(models, [1]), await portraits(models, [6])];
  faces = { lowered: one[0]!.png, open: six[2]!.png };
}, 300_000);

/** Measured by the scorers that the policy reads, and judged. */
async function verdictOf(picture: Picture | Buffer, ask: Partial<Ask> = {}): Promise<Verdict> {
  const frame = await frameWith(models, Buffer.isBuffer(picture) ? picture : await png(picture));
  const read = dimensionsRead(policy);
  const scores: Scores = {};
  for (const scorer of builtInScorers.filter(({ spec }) => read.some((id) => id in spec.dimensions))) {
    const found = await assess(scorer, frame, { params: policy.params[scorer.spec.id] ?? {}, ...ask });
    for (const [id, one] of Object.entries(found))
      scores[id] = { ...one, scorer: `${scorer.spec.id}@${scorer.spec.version}` };
  }
  return judge(scores, policy);
}

const failedBy = async (picture: Picture | Buffer, ask?: Partial<Ask>): Promise<string[]> =>
  (await verdictOf(picture, ask)).failed.map(({ gate }) => gate);

const label = { text: 'SEAL' };
const withLogo = async () => ({ named: { logo: await frameOf(await logoFile()) } });

describe('brand.yaml', () => {
  it('reads every scorer of the business tier', () => {
    const read = dimensionsRead(policy);
    for (const { spec } of builtInScorers.filter(({ spec }) => spec.tier === 'business'))
      expect(
        read.some((id) => id in spec.dimensions),
        spec.id,
      ).toBe(true);
  });

  it('accepts a labelled product on the backdrop of the brand', async () => {
    expect(await verdictOf(labelled(), { expect: label })).toMatchObject({ band: 'accept', failed: [] });
  });

  it('text.forbiddenWords and text.backgroundChars: no word that is forbidden, none behind the product', async () => {
    expect(await failedBy(sign('SALE'), { expect: label })).toEqual(['text.forbiddenWords', 'text.backgroundChars']);
    expect(await failedBy(sign('ELSE'), { expect: label })).toEqual(['text.backgroundChars']);
    const sold = written(labelled(), { word: 'SALE', left: 175, top: 220, square: 6, level: 255 });
    expect(await failedBy(sold, { expect: label })).toEqual(['text.forbiddenWords']);
  });

  it('text.missingWords: a word that the request wants', async () => {
    expect(await failedBy(labelled(), { expect: { ...label, requiredWords: ['seal'] } })).toEqual([]);
    expect(await failedBy(labelled(), { expect: { ...label, requiredWords: ['lease'] } })).toEqual([
      'text.missingWords',
    ]);
  });

  it('namedOnProduct: the label or the logo', async () => {
    expect(await failedBy(labelled('SELL'), { expect: label })).toEqual(['namedOnProduct']);
    const onIt = await marked(plain(), { left: 196, top: 210, size: 120 });
    expect(await failedBy(onIt, { expect: label, ...(await withLogo()) })).toEqual([]);
    expect(await verdictOf(plain(), await withLogo())).toMatchObject({ band: 'review' });
  });

  it('logo.background: the logo only where it belongs', async () => {
    const logo = await withLogo();
    expect(await failedBy(labelled(), { expect: label, ...logo })).toEqual([]);
    const behind = await sharp(await png(labelled()))
      .composite([{ input: await sharp(svg(ARROW)).resize(100).png().toBuffer(), left: 20, top: 16 }])
      .png()
      .toBuffer();
    expect(await failedBy(behind, { expect: label, ...logo })).toEqual(['logo.background']);
  });

  it('backgroundColour: the backdrop of the brand, or the one that the request wants', async () => {
    const blue = labelled('SEAL', plain([189, 211, 232]));
    expect(await failedBy(blue, { expect: label })).toEqual(['backgroundColour.distance']);
    expect(await failedBy(blue, { expect: { ...label, backgroundColour: '#bdd3e8' } })).toEqual([]);
    const checked = labelled();
    for (let y = 0; y < 512; y++)
      for (let x = 0; x < 512; x++)
        if (y % 64 < 24 && checked.rgb[3 * (512 * y + x)] === BACKDROP[0])
          checked.rgb.set([205, 190, 165], 3 * (512 * y + x));
    expect(await failedBy(checked, { expect: label })).toContain('backgroundColour.share');
  });

  it('people.off: nobody, or as many as the request wants', async () => {
    expect(await failedBy(faces.open)).toContain('people.off');
    expect(await failedBy(faces.open, { expect: { people: 1 } })).not.toContain('people.off');
    expect(await failedBy(labelled(), { expect: { ...label, people: 1 } })).toEqual(['people.off']);
  });

  it('eyesOpen: of whoever is there', async () => {
    expect(await failedBy(faces.open)).not.toContain('eyesOpen');
    expect(await failedBy(faces.lowered)).toContain('eyesOpen');
  });

  it('skinWithinTwoStops: against the photo of the person', async () => {
    const references = [await frameWith(models, faces.open)];
    const reason = 'The skin is more than two stops lighter or darker than on the photo';
    const said = async (stops: number) =>
      (await verdictOf(await exposed(faces.open, stops), { references })).failed.map((gate) => gate.reason);
    expect(await said(-1.6)).not.toContain(reason);
    expect(await said(-2.4)).toContain(reason);
  });

  it('has a reason for people at every gate', () => {
    for (const gate of policy.gates) expect(gate.reason).toMatch(/^[A-Z].{15,}/);
  });
});
