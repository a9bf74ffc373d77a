/** What a request may name. */
import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Policy } from '../../selection/types.js';
import type { Release } from '../../templates/types.js';
import { policyNamed, templateNamed } from '../catalogue.js';
import { json, keyed, problems, type Env, type Service } from '../context.js';
import { pageOf, PolicyView, TemplateView } from '../schemas.js';

const name = z.object({
  name: z
    .string()
    .max(128)
    .openapi({ param: { name: 'name', in: 'path' }, example: 'product' }),
});

const templates = keyed('read', {
  method: 'get',
  path: '/v1/templates',
  tags: ['Catalogue'],
  summary: 'The registered templates',
  responses: { 200: json(pageOf(TemplateView), 'All of them'), ...problems() },
});
const template = keyed('read', {
  method: 'get',
  path: '/v1/templates/{name}',
  tags: ['Catalogue'],
  summary: 'A template and its inputs',
  request: { params: name },
  responses: { 200: json(TemplateView, 'The template'), ...problems(404) },
});
const policies = keyed('read', {
  method: 'get',
  path: '/v1/policies',
  tags: ['Catalogue'],
  summary: 'The registered policies',
  responses: { 200: json(pageOf(PolicyView), 'All of them'), ...problems() },
});
const policy = keyed('read', {
  method: 'get',
  path: '/v1/policies/{name}',
  tags: ['Catalogue'],
  summary: 'A policy: gates, rules, weights',
  request: { params: name },
  responses: { 200: json(PolicyView, 'The policy'), ...problems(404) },
});

export function catalogueRoutes({ catalogue }: Service): OpenAPIHono<Env> {
  return new OpenAPIHono<Env>()
    .openapi(templates, (c) => c.json({ items: [...catalogue.templates.values()].map(templateView), next: null }, 200))
    .openapi(template, (c) => c.json(templateView(templateNamed(catalogue, c.req.valid('param').name)), 200))
    .openapi(policies, (c) => c.json({ items: [...catalogue.policies.values()].map(policyView), next: null }, 200))
    .openapi(policy, (c) => c.json(policyView(policyNamed(catalogue, c.req.valid('param').name)), 200));
}

function templateView({ id, bindings, policy }: Release<Policy>): z.infer<typeof TemplateView> {
  const inputs: z.infer<typeof TemplateView>['inputs'] = {};
  // where it goes in the graph is nobody's business
  for (const [input, { at: _, ...declared }] of Object.entries(bindings.inputs)) inputs[input] = declared;
  return { name: bindings.name, release: id, policy: policy.policy, inputs };
}

const policyView = (policy: Policy): z.infer<typeof PolicyView> => ({
  ...policy,
  gates: policy.gates.map((gate) => ({ ...gate })),
});
