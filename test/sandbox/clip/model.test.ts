/** The committed tiny CLIP on seeds that it never saw. The full measure: sandbox/clip/evaluate.ts, its figures in card.json. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { InferenceSession } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { SEEDS } from '../../../sandbox/clip/scenes.js';
import { openTowers } from '../../../sandbox/clip/towers.js';
import { share, tryScene, type Trial } from '../../../sandbox/clip/trial.js';
import { ATTRIBUTES, PAINTER_VERSION } from '../../../sandbox/painter/index.js';

const FOLDER = new URL('../../../examples/models/cull/sandbox-clip/', import.meta.url);
/** Neither trained on, nor looked at while training, nor those of the card. */
const FROM = SEEDS.test + 10_000;
const SCENES = 200;

interface Card {
  painterVersion: string;
  seeds: typeof SEEDS;
  sha256: Record<string, string>;
  tokens: { text: string; ids: number[] };
  heldOut: Record<string, { accuracy: { random: number } }>;
}
const card = JSON.parse(await readFile(new URL('card.json', FOLDER), 'utf8')) as Card;

describe('sandbox-clip', () => {
  it('was trained on what the painter paints today', () => {
    const again = `trained on painter ${card.painterVersion}, painter is ${PAINTER_VERSION}: train it again, see sandbox/clip/README.md`;
    expect(card.painterVersion, again).toBe(PAINTER_VERSION);
    expect(card.seeds).toEqual(SEEDS);
  });

  it('has the networks that its card speaks of', async () => {
    expect(Object.keys(card.sha256).length).toBe(2);
    for (const [name, sha256] of Object.entries(card.sha256)) {
      const bytes = await readFile(new URL(name, FOLDER));
      expect(createHash('sha256').update(bytes).digest('hex'), name).toBe(sha256);
    }
    for (const { accuracy } of Object.values(card.heldOut)) expect(accuracy.random).toBeGreaterThanOrEqual(0.97);
  });

  it("has CLIP's inputs and outputs", async () => {
    const open = async (name: string) => InferenceSession.create(await readFile(new URL(`onnx/${name}`, FOLDER)));
    const [vision, text] = [await open('vision_model.onnx'), await open('text_model.onnx')];
    expect([vision.inputNames, vision.outputNames]).toEqual([['pixel_values'], ['image_embeds']]);
    expect([text.inputNames, text.outputNames]).toEqual([['input_ids'], ['text_embeds']]);
  });

  it('splits text into the tokens that it was trained on', async () => {
    const towers = await openTowers(FOLDER);
    expect(towers.tokens(card.tokens.text)).toEqual(card.tokens.ids);
  });

  it(`prefers the true caption of ${SCENES} unseen scenes to one that is wrong in one attribute, 97 of 100 times`, async () => {
    const towers = await openTowers(FOLDER);
    const trials: Trial[] = [];
    for (let seed = FROM; seed < FROM + SCENES; seed++) trials.push(...(await tryScene(towers, seed, 512)));
    expect(trials.length).toBeGreaterThan(3 * SCENES);
    expect(share(trials, ({ beatsOne }) => beatsOne)).toBeGreaterThanOrEqual(0.97);
    for (const attribute of ATTRIBUTES) {
      const some = trials.filter((trial) => trial.attribute === attribute);
      expect(
        share(some, ({ beatsOne }) => beatsOne),
        attribute,
      ).toBeGreaterThanOrEqual(0.94);
    }
  }, 180_000);
});
