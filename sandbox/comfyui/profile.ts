/** ComfyUI versions that the sandbox can be. */
export const PROFILES = ['0.3.40', '0.16.3', '0.18.2', '0.27.0', '0.30.0', '0.33.0'] as const;
export type ProfileVersion = (typeof PROFILES)[number];

/**
 * What came with which version. Where the exact one is not known, the first of the versions above that was seen to have it
 * (marked "by").
 */
const SINCE = {
  /** `prompt_id` of a submission is taken; before, the server made all ids. */
  clientPromptIds: '0.3.45',
  /** /features, and the answer to feature_flags on the websocket. */
  featureFlags: '0.3.45',
  progressState: '0.3.45',
  /** Binary frames of type 4. */
  previewMetadata: '0.3.45',
  partialTargets: '0.3.48',
  /** /interrupt looks at `prompt_id`; before, it stopped whatever ran. */
  interruptById: '0.3.57',
  jobs: '0.6.0',
  /** Before: `invalid_prompt`, without extra_info. */
  missingNodeType: '0.12.0',
  /** By. The assets API, on for all. */
  assetsApi: '0.16.3',
  /** By. `assets` among the features; the assets API is off unless asked for. */
  assetsFlag: '0.18.2',
  /** Before, a cycle fails validation without a reason. */
  dependencyCycles: '0.20.0',
  /** Before, any value was taken as a prompt id, as Python's str() writes it. */
  canonicalPromptIds: '0.25.0',
  jobsCancel: '0.26.0',
  /** SaveImage and PreviewImage put out their images. */
  saveImageOutput: '0.26.0',
  /** By. Text that a node shows is no longer counted among a job's outputs. */
  textNotCounted: '0.27.0',
  /** By. `has_intermediate_output` in /object_info, new names and categories ("model/loaders"), more kinds of model folders. */
  newCategories: '0.27.0',
  /** By. Package versions and deployment in /system_stats, `supports_model_type_tags` among the features. */
  packageVersions: '0.27.0',
  /** By. The header `Comfy-Usage-Source` is noted in a prompt's extra_data. */
  usageSource: '0.27.0',
  /** By. /internal/files writes "a.png [output]" (before: "a.png"). */
  annotatedFiles: '0.27.0',
  /** By. `nosniff`, and active file types as attachments, in /view. */
  safeViews: '0.27.0',
  /** By. Requests with `Sec-Fetch-Site: cross-site` are refused. */
  fetchMetadata: '0.27.0',
  /** By. SaveAudio counts "a_00001.flac" (before: "a_00001_.flac"). */
  audioNames: '0.27.0',
  /** By. SaveText. */
  saveText: '0.27.0',
  /** By. A model folder for data sets. */
  datasets: '0.30.0',
  /** By. A cached output is in the history of a prompt without client id, too. */
  cachedUiForAll: '0.30.0',
  /** By. Active file types come with `no-store`. */
  noStoreViews: '0.30.0',
  /** By. Pictures are preferred to text as a job's preview. */
  textPreviewLast: '0.30.0',
  /** By. `previewable_outputs_count` of jobs. */
  previewableCount: '0.33.0',
} as const;

export type Ability = keyof typeof SINCE;

function atLeast(version: string, since: string): boolean {
  const [a, b] = [version, since].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/** Which ComfyUI the sandbox is: what routes and behaviours it has. */
export class Profile {
  private readonly abilities: ReadonlySet<Ability>;

  constructor(readonly version: ProfileVersion) {
    const names = Object.keys(SINCE) as Ability[];
    this.abilities = new Set(names.filter((name) => atLeast(version, SINCE[name])));
  }

  has(ability: Ability): boolean {
    return this.abilities.has(ability);
  }

  /** What /features tells, and the websocket's answer to feature_flags. */
  get features(): Readonly<Record<string, unknown>> {
    return {
      supports_preview_metadata: true,
      ...(this.has('packageVersions') ? { supports_model_type_tags: true } : {}),
      max_upload_size: 104857600,
      extension: { manager: { supports_v4: true } },
      node_replacements: true,
      ...(this.has('assetsFlag') ? { assets: false } : {}),
    };
  }
}
