import { Exact } from '../json.js';
import type { Ability, Profile } from '../profile.js';

/** Largest seed ComfyUI takes: 2^64 - 1. */
export const MAX_SEED = new Exact('18446744073709551615');

export const SAMPLERS: readonly string[] = (
  'euler euler_cfg_pp euler_ancestral euler_ancestral_cfg_pp heun heunpp2 exp_heun_2_x0 exp_heun_2_x0_sde dpm_2 ' +
  'dpm_2_ancestral lms dpm_fast dpm_adaptive dpmpp_2s_ancestral dpmpp_2s_ancestral_cfg_pp dpmpp_sde dpmpp_sde_gpu ' +
  'dpmpp_2m dpmpp_2m_cfg_pp dpmpp_2m_sde dpmpp_2m_sde_gpu dpmpp_2m_sde_heun dpmpp_2m_sde_heun_gpu dpmpp_3m_sde ' +
  'dpmpp_3m_sde_gpu ddpm lcm ipndm ipndm_v deis res_multistep res_multistep_cfg_pp res_multistep_ancestral ' +
  'res_multistep_ancestral_cfg_pp gradient_estimation gradient_estimation_cfg_pp er_sde seeds_2 seeds_3 sa_solver ' +
  'sa_solver_pece ddim uni_pc uni_pc_bh2'
).split(' ');

export const SCHEDULERS: readonly string[] =
  'simple sgm_uniform karras exponential ddim_uniform beta normal linear_quadratic kl_optimal'.split(' ');

/** Kinds of model folders, in the order of /models. */
const FOLDERS: readonly string[] = (
  'checkpoints configs loras vae text_encoders diffusion_models clip_vision style_models embeddings diffusers ' +
  'vae_approx controlnet gligen upscale_models latent_upscale_models custom_nodes datasets hypernetworks photomaker ' +
  'classifiers model_patches audio_encoders background_removal frame_interpolation geometry_estimation optical_flow ' +
  'detection'
).split(' ');
/** Kinds that came later than the others. */
const LATER: Readonly<Record<string, Ability>> = {
  datasets: 'datasets',
  background_removal: 'newCategories',
  frame_interpolation: 'newCategories',
  geometry_estimation: 'newCategories',
  optical_flow: 'newCategories',
  detection: 'newCategories',
};

/** Kinds of model folders that a version has. */
export function modelFolders(profile: Profile): readonly string[] {
  return FOLDERS.filter((name) => {
    const since = LATER[name];
    return since === undefined || profile.has(since);
  });
}
