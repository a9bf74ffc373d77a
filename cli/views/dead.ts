/** Dead letters and releases that are held back, in words. Pure. */
import { rowOf } from '../../errors.js';
import { wayText } from '../../selection/quarantine.js';
import { shortRelease } from '../../selection/words.js';
import type { DeadFailure, DeadLetterDoc, InputValue, QuarantineDoc } from '../../workflows/contract.js';
import { printable } from './format.js';

/** A letter on one line. */
export function deadLine({
  at,
  request,
  state,
  wanted,
  delivered,
  candidates,
  failures,
  retried,
}: DeadLetterDoc): string {
  const codes = failures.map(({ code, lost }) => (lost > 0 ? `${code} x${lost}` : code)).join(', ');
  const lost = `${candidates.lost}/${candidates.started} lost`;
  const then = retried ? `  -> ${retried.request}` : '';
  return `${secondsOf(at)}  ${request.padEnd(24)} ${state.padEnd(9)} ${`${delivered}/${wanted}`.padStart(7)}  ${lost.padStart(12)}  ${codes}${then}`;
}

/** The whole of a letter, and what to do now. */
export function deadText(letter: DeadLetterDoc): string {
  const { request, tenant, release, template, at, state, wanted, delivered, candidates, failures, inputs, vary } =
    letter;
  const given = Object.entries(inputs).map(([name, value]) => `${name} = ${inputText(value)}`);
  const varied = vary ? [`${vary.input} = one of ${vary.values.map(inputText).join(' | ')}`] : [];
  return [
    `${request}: ${state}, ${delivered} of ${wanted} delivered, ${candidates.lost} of ${candidates.started} candidates lost`,
    ...rows('tenant', [tenant]),
    ...rows('at', [secondsOf(at)]),
    ...rows('release', [`${shortRelease(release)} of ${template}`]),
    ...rows('inputs', [...given, ...varied]),
    ...failures.flatMap(failureRows),
    ...rows('now', advice(letter)),
  ].join('\n');
}

function failureRows({ code, message, hosts = [], lost, candidates }: DeadFailure): string[] {
  const more = lost > candidates.length ? ', …' : '';
  return [
    ...rows(lost === 0 ? 'ended by' : `lost ${lost}`, [
      `${code}${hosts.length === 0 ? '' : ` on ${hosts.join(', ')}`}`,
      message,
    ]),
    ...(lost === 0 ? [] : rows('', [`candidates ${candidates.join(', ')}${more}`])),
  ];
}

function advice({ request, state, wanted, failures, retried }: DeadLetterDoc): string[] {
  if (retried) return [`it was tried again as ${retried.request}: comfy-cull status ${retried.request}`];
  if (state === 'delivered') return [`all ${wanted} images were delivered: comfy-cull dead drop ${request}`];
  const anew = `comfy-cull dead retry ${request}`;
  const [first] = failures;
  if (first?.code === 'RELEASE_QUARANTINED')
    return [`comfy-cull quarantine list says why, quarantine release ends it; then ${anew}`];
  const goesOn = state === 'shortfall' ? [] : [`or comfy-cull resume ${request}, which keeps what was drawn`];
  if (first && rowOf(first.code)?.retry === true) return [`once the cause is gone: ${anew}`, ...goesOn];
  return [
    'the same would fail again as things are',
    `a template or an input is at fault: mend it and make a new request; then comfy-cull dead drop ${request}`,
    `a ComfyUI is at fault (a node or a model is missing): mend it; then ${anew}`,
  ];
}

/** A release that is held back, with what speaks against it. */
export const quarantineText = ({ release, template, held }: QuarantineDoc): string =>
  held
    .flatMap(({ tenant, since, way, evidence }) => [
      `${shortRelease(release)}  ${template}  for ${tenant === null ? 'everybody' : `tenant ${tenant}`} since ${secondsOf(since)}: ${printable(wayText(way))}`,
      ...evidence.map(
        (one) =>
          `  ${secondsOf(one.at)}  ${one.tenant}/${one.request}${one.hosts.length === 0 ? '' : ` on ${one.hosts.join(', ')}`}`,
      ),
    ])
    .join('\n');

const rows = (label: string, values: readonly string[]): string[] =>
  values.map((value, i) => `  ${(i === 0 ? label : '').padEnd(9)} ${printable(value)}`);

const inputText = (value: InputValue): string =>
  typeof value === 'object' ? `image ${value.image}` : JSON.stringify(value);

const secondsOf = (at: string): string => `${at.slice(0, 19)}Z`;
