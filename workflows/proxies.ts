/** Every activity the workflows call, with its queue, time-outs and retries: one table. */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type { AcceptedActivities } from '../activities/accepted.js';
import type { BatchActivities } from '../activities/batch.js';
import type { DeliverActivities } from '../activities/deliver.js';
import type { GenerateActivities } from '../activities/generate.js';
import type { PrepareActivities } from '../activities/prepare.js';
import type { ScoreActivities } from '../activities/score.js';
import type { ComfySweepActivities } from '../activities/sweep-comfy.js';
import type { SweepActivities } from '../activities/sweep.js';
import type { WebhookActivities } from '../activities/webhooks.js';
import { SCORE_QUEUE } from './contract.js';
import { WEBHOOK_QUEUE } from './webhook-contract.js';

export const { prepare } = proxyActivities<PrepareActivities>({
  startToCloseTimeout: '60s',
  retry: { maximumAttempts: 10, initialInterval: '1s', maximumInterval: '30s' },
});

/**
 * Long enough for a cold model load and a slow draw. A dead worker is found by its heartbeat in 15 s. There is no limit on waiting in the
 * queue: a request waits for its ComfyUIs.
 *
 * How often a candidate may fail is decided where the reason is known (activities/attempts.ts, by the table of errors), and so is the delay
 * before the next attempt. To Temporal, an attempt that only handed the candidate back to another ComfyUI is one like any other, so the
 * number here is but a fence: about 40 failures of all kinds together, each with at most 7 hand-backs. Attempts are no events: the history
 * has three for each candidate, however many there were. The intervals are for attempts that end without a word (a worker that died).
 */
export const generateOn = (queue: string): GenerateActivities =>
  proxyActivities<GenerateActivities>({
    taskQueue: queue,
    startToCloseTimeout: '45m',
    heartbeatTimeout: '15s',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 400, initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' },
  });

export const { score } = proxyActivities<ScoreActivities>({
  taskQueue: SCORE_QUEUE,
  startToCloseTimeout: '5m',
  heartbeatTimeout: '30s',
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry: { maximumAttempts: 6, initialInterval: '1s', maximumInterval: '30s' },
});

/** Storage that is full for a moment is waited out (about two minutes); for longer, the request fails and `resume` goes on with it. */
export const { lose, deliver } = proxyActivities<DeliverActivities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '60s',
  retry: { maximumAttempts: 8, initialInterval: '1s', maximumInterval: '60s' },
});

/** What watchers cannot be told now they are told at the end. */
export const { announceAccepted } = proxyActivities<AcceptedActivities>({
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: '5m',
  retry: { maximumAttempts: 5, initialInterval: '1s' },
});

/** A part has a hundred lines, and its results are read one by one. */
export const { admitPart, recordPart, closeBatch } = proxyActivities<BatchActivities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '60s',
  retry: { maximumAttempts: 20, initialInterval: '1s', maximumInterval: '60s' },
});

/**
 * A receiver has 15 s. When the next try is due the activity says itself (activities/webhook-schedule.ts), and also when there is none: the intervals
 * here are for tries that end without a word. The week is a fence, for messages that no worker took.
 */
export const { postWebhook } = proxyActivities<WebhookActivities>({
  taskQueue: WEBHOOK_QUEUE,
  startToCloseTimeout: '60s',
  heartbeatTimeout: '15s',
  scheduleToCloseTimeout: '7 days',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5m' },
});

/** A step looks at some thousand requests, and tells after each where it is. */
export const { sweepStorage, sweepHosts, endSweep } = proxyActivities<SweepActivities>({
  startToCloseTimeout: '1h',
  heartbeatTimeout: '2m',
  retry: { maximumAttempts: 10, initialInterval: '1s', maximumInterval: '60s' },
});

/** The queue of one ComfyUI, served by its worker. One without a worker is not waited for. */
export const sweepComfyOn = (queue: string): ComfySweepActivities =>
  proxyActivities<ComfySweepActivities>({
    taskQueue: queue,
    scheduleToStartTimeout: '20s',
    startToCloseTimeout: '1h',
    heartbeatTimeout: '2m',
    retry: { maximumAttempts: 3, initialInterval: '5s' },
  });
