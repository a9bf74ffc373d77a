/** One webhook message to one endpoint, tried for a day. Outlives the request or batch that it tells of. */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ChildWorkflowCancellationType, ParentClosePolicy, startChild } from '@temporalio/workflow';
import { postWebhook } from './proxies.js';
import { webhookWorkflowId, type SendWebhookArgs, type WebhookNews, type WebhookOutcome } from './webhook-contract.js';

export async function sendWebhook(args: SendWebhookArgs): Promise<WebhookOutcome> {
  return postWebhook(args);
}

/** Starts a `sendWebhook` for each endpoint that wants the news, and waits for none of them. Nothing happens where there is none. */
export async function sendNews(tenant: string, news: WebhookNews | undefined): Promise<void> {
  if (!news) return;
  const { message, endpoints } = news;
  await CancellationScope.nonCancellable(() =>
    Promise.all(endpoints.map((endpoint) => start({ tenant, message, endpoint }))),
  );
}

async function start(args: SendWebhookArgs): Promise<void> {
  try {
    await startChild(sendWebhook, {
      workflowId: webhookWorkflowId(args),
      args: [args],
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
      staticSummary: args.message,
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
