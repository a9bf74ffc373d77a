/** Scorers on other machines: asked once an image has its scores from the threads, and judged together with them. */
import { questionSpec, visionModel, type VisionModelOptions } from '../../scorers/outside/vision-model.js';
import type { Assessment, FileScorer, FileSource } from '../../scorers/scorer.js';
import { judge } from '../../selection/judge.js';
import { questionDimensions } from '../../selection/questions.js';
import type { Policy, Scores } from '../../selection/types.js';
import { checked, labelOf, sameForAll } from './result.js';
import type { ScoreResult, ScoreTask } from './task.js';

/** Says that no vision model is configured, like any other model that is missing. */
const noVisionModel: FileSource = {
  assess: (_image, { params }) =>
    Promise.resolve(
      Object.fromEntries(
        Object.keys(params['question'] ?? {}).map((name): [string, Assessment] => [
          `question.${name}`,
          {
            status: 'unassessable',
            reason: 'model-missing',
            facts: { model: 'vision model', hint: 'set CULL_VLM_URL and CULL_VLM_MODEL' },
          },
        ]),
      ),
    ),
};

export interface Outside {
  /** The result with the scores of the scorers outside, judged anew. */
  complete(result: ScoreResult, options: { task: ScoreTask; signal: AbortSignal }): Promise<ScoreResult>;
}

/**
 * @param scorers those that take files
 * @param vlm the vision model that a policy's questions go to
 */
export function createOutside(scorers: readonly FileScorer[], vlm: VisionModelOptions | undefined): Outside {
  const questions = vlm ? visionModel(vlm) : noVisionModel;
  return {
    async complete(result, { task, signal }) {
      const asked = [...scorers, ...questionScorers(task.policy, questions)];
      if (asked.length === 0) return result;
      const scores = { ...result.scores, ...(await outsideScores(asked, { result, task, signal })) };
      return { ...result, scores, verdict: judge(scores, task.policy, task.request) };
    },
  };
}

async function outsideScores(
  scorers: readonly FileScorer[],
  { result, task, signal }: { result: ScoreResult; task: ScoreTask; signal: AbortSignal },
): Promise<Scores> {
  if (result.undecodable) return sameForAll(scorers, { status: 'unassessable', reason: result.undecodable.reason });
  if (result.stopped) return sameForAll(scorers, { status: 'notRun' });
  const { bytes, policy, explain: _, order: _order, request: _request, ...ask } = task;
  const params = { ...policy.params, ...(policy.questions && { question: { ...policy.questions } }) };
  const image = { bytes, sha256: result.image.sha256 };
  const sources = [...new Set(scorers.map(({ source }) => source))];
  const found = await Promise.all(
    sources.map(async (source) => {
      const [beganAt, began] = [Date.now(), performance.now()];
      const answer = await source.assess(image, { ...ask, params }, signal);
      return { source, answer, beganAt, ms: performance.now() - began };
    }),
  );
  const scores: Scores = {};
  for (const { source, answer, beganAt, ms } of found)
    for (const scorer of scorers.filter((one) => one.source === source)) {
      result.timing.scorers[scorer.spec.id] = ms;
      result.timing.began[scorer.spec.id] = beganAt;
      for (const id of Object.keys(scorer.spec.dimensions))
        scores[id] = { ...checked(id, answer[id]), scorer: labelOf(scorer) };
    }
  return scores;
}

function questionScorers({ questions }: Policy, source: FileSource): FileScorer[] {
  if (!questions || Object.keys(questions).length === 0) return [];
  return [{ spec: { ...questionSpec, dimensions: questionDimensions(questions) }, source }];
}
