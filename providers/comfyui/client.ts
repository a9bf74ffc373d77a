import type { CullError } from '../../errors.js';
import { ComfyInfo } from './client-info.js';
import * as cancelling from './endpoints/cancel.js';
import type { With } from './endpoints/server.js';
import * as histories from './endpoints/history.js';
import { free, type FreeOptions } from './endpoints/info.js';
import * as jobsApi from './endpoints/jobs.js';
import * as queues from './endpoints/queue.js';
import * as uploading from './endpoints/upload.js';
import * as viewing from './endpoints/view.js';
import type { Answer } from './http.js';
import type { ImageRef, Job } from './job.js';

/**
 * The HTTP side of one ComfyUI, 0.3 and newer. `docs/comfyui-client.md` has a table of the methods, with the version that
 * has each and what is done before it.
 *
 * Nothing here retries. Besides what a method names, each throws: COMFY_UNREACHABLE when there is no answer (`details.refused`
 * is true where nobody listens), CONFIG_INVALID when a login is wanted or the address has moved, COMFY_PROTOCOL when the answer is
 * not one of ComfyUI, and the signal's reason when that aborts.
 *
 * @example
 * const comfy = new ComfyClient({ url: 'https://gpu.example/comfy', headers: { authorization: 'Bearer …' } });
 * const job = await comfy.job(promptId); // { state: 'running', ... }
 */
export class ComfyClient extends ComfyInfo {
  /**
   * POST /prompt. Any status is an answer, for the caller to judge: 200 with `node_errors` is queued without some of its outputs;
   * 400, 413 and every other 4xx are refusals for good; after 500, or no answer, it may be queued: ask `job`. Never sends a `number`: two
   * entries of one number and one id stop ComfyUI's worker for good.
   *
   * @example
   * const { status, json } = await comfy.submit({ graph, promptId: randomUUID(), clientId: events.clientId });
   */
  submit(prompt: queues.Prompt, options: With = {}): Promise<Answer> {
    return queues.submit(this.to, prompt, options);
  }

  /** The answer of `submit` that is neither 200 nor a refused graph, as an error for people. */
  refusal(answer: Answer): CullError {
    return this.to.unexpected('/prompt', answer);
  }

  /**
   * Where a prompt stands. `unknown` is also the answer for one that was dequeued, or lost in a restart.
   *
   * @example
   * const { state, outputs, error } = await comfy.job(promptId);
   */
  job(promptId: string, options: With = {}): Promise<Job> {
    return jobsApi.job(this.to, promptId, options);
  }

  /**
   * Everybody's prompts that wait, run or have ended, the newest first.
   *
   * @example
   * const { jobs, total, hasMore } = await comfy.jobs({ status: ['running', 'pending'], limit: 20 });
   */
  jobs(query: jobsApi.JobsQuery = {}, options: With = {}): Promise<jobsApi.JobsPage> {
    return jobsApi.jobs(this.to, query, options);
  }

  /**
   * Takes the prompt out of the queue, or interrupts it if it runs; no other is ever touched.
   *
   * @example
   * if ((await comfy.cancel(promptId)) === 'left-to-finish') console.log('its picture will be thrown away');
   */
  cancel(promptId: string, options: With = {}): Promise<cancelling.Cancelled> {
    return cancelling.cancel(this.to, promptId, options);
  }

  /**
   * `cancel` for many: first those that wait, then the one that runs.
   *
   * @example
   * const { cancelled, leftToFinish } = await comfy.cancelMany([first, second]);
   */
  cancelMany(promptIds: readonly string[], options: With = {}): Promise<cancelling.CancelledMany> {
    return cancelling.cancelMany(this.to, promptIds, options);
  }

  /**
   * Interrupts the prompt if it runs now. `cancel` does that, and takes it out of the queue where it waits.
   *
   * @returns false on a ComfyUI before 0.3.57, where nothing was sent: it would stop whatever runs
   * @example
   * await comfy.interrupt(promptId);
   */
  interrupt(promptId: string, options: With = {}): Promise<boolean> {
    return cancelling.interrupt(this.to, promptId, options);
  }

  /**
   * Everybody's prompts that run or wait, with their graphs: large.
   *
   * @example
   * const before = (await comfy.queue()).pending.findIndex((item) => item.promptId === promptId);
   */
  queue(options: With = {}): Promise<queues.QueueView> {
    return queues.queue(this.to, options);
  }

  /**
   * How many prompts of anybody run or wait; small and cheap.
   *
   * @example
   * const load = await comfy.queueDepth({ timeoutMs: 3_000 });
   */
  queueDepth(options: With = {}): Promise<number> {
    return queues.queueDepth(this.to, options);
  }

  /**
   * Takes prompts out of the queue. Those that run, have ended or were never there are passed over.
   *
   * @example
   * await comfy.dequeue([promptId]);
   */
  dequeue(promptIds: readonly string[], options: With = {}): Promise<void> {
    return queues.dequeue(this.to, promptIds, options);
  }

  /**
   * Takes **everybody's** waiting prompts out of the queue, without a trace; the one that runs goes on.
   *
   * @example
   * await comfy.clearQueue();
   */
  clearQueue(options: With = {}): Promise<void> {
    return queues.clearQueue(this.to, options);
  }

  /**
   * Everybody's prompts that have ended, the oldest first, with their graphs: large, so take pages.
   *
   * @example
   * const newest = await comfy.history({ maxItems: 10 });
   * const oldest = await comfy.history({ maxItems: 10, offset: 0 });
   */
  history(page: histories.HistoryPage = {}, options: With = {}): Promise<histories.HistoryEntry[]> {
    return histories.history(this.to, page, options);
  }

  /**
   * One prompt that has ended; undefined where it has not, or is not known. `job` tells those apart.
   *
   * @example
   * const texts = (await comfy.historyEntry(promptId))?.job.texts;
   */
  historyEntry(promptId: string, options: With = {}): Promise<histories.HistoryEntry | undefined> {
    return histories.historyEntry(this.to, promptId, options);
  }

  /**
   * Forgets prompts that have ended; their files stay.
   *
   * @example
   * await comfy.deleteHistory([promptId]);
   */
  deleteHistory(promptIds: readonly string[], options: With = {}): Promise<void> {
    return histories.deleteHistory(this.to, promptIds, options);
  }

  /**
   * Forgets **everybody's** prompts that have ended; their files stay.
   *
   * @example
   * await comfy.clearHistory();
   */
  clearHistory(options: With = {}): Promise<void> {
    return histories.clearHistory(this.to, options);
  }

  /**
   * The bytes of a file; undefined if it is not there.
   *
   * @throws CullError COMFY_PROTOCOL also for a preview of something that is no image
   * @example
   * const small = await comfy.view(job.outputs['9'][0], { preview: { format: 'webp', quality: 80 } });
   */
  view(file: ImageRef, options: viewing.ViewOptions = {}): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return viewing.view(this.to, file, options);
  }

  /**
   * `view` for what need not fit into memory. `timeoutMs` is without a byte, not for all of them.
   *
   * @example
   * const video = await comfy.viewStream(job.files[0]);
   * if (video) await pipeline(video.stream, createWriteStream('video.mp4'));
   */
  viewStream(file: ImageRef, options: viewing.ViewOptions = {}): Promise<viewing.ViewStream | undefined> {
    return viewing.viewStream(this.to, file, options);
  }

  /**
   * Stores a file; any bytes, ComfyUI does not look. A stream is sent as it is read. `timeoutMs` is without a byte moving.
   *
   * @returns the name for LoadImage, `subfolder/name`; not always the name asked for (`overwrite`)
   * @throws CullError COMFY_REFUSED if it is too large or its place is not allowed, INTERNAL if the stream holds another number of bytes than
   *   `size`; whatever the stream throws
   * @example
   * const { size } = await stat('photo.png');
   * const image = await comfy.uploadImage({ subfolder: 'cull/acme', name: sha256, body: createReadStream('photo.png'), size });
   */
  uploadImage(file: uploading.Upload, options: With = {}): Promise<string> {
    return uploading.uploadImage(this.to, file, options);
  }

  /**
   * Stores a picture made of the colours of `original` and the transparency of the mask, a PNG, in the same size.
   *
   * @returns as `uploadImage`
   * @throws as `uploadImage`; CullError COMFY_REFUSED if nothing was stored, because `original` is not there: ComfyUI does not say so,
   *   it is looked for
   * @example
   * const original = { filename: 'photo.png', subfolder: 'cull/acme', type: 'input' };
   * const image = await comfy.uploadMask({ subfolder: 'cull/acme', name: `${sha256}.png`, body: mask, original });
   */
  uploadMask(mask: uploading.MaskUpload, options: With = {}): Promise<string> {
    return uploading.uploadMask(this.to, mask, options);
  }

  /**
   * Asks for memory back. Answered at once, done after the prompt that runs.
   *
   * @example
   * await comfy.free({ unloadModels: true });
   */
  free(what: FreeOptions, options: With = {}): Promise<void> {
    return free(this.to, what, options);
  }
}
