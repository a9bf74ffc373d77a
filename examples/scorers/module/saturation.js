/** A scorer in JavaScript: how colourful an image is. CULL_SCORERS=./examples/scorers/module/saturation.js */
export const scorer = {
  spec: {
    id: 'saturation',
    version: '1.0.0',
    tier: 'generic',
    cost: 'cheap',
    models: [],
    source: 'Mean S of HSV (Smith, Color gamut transform pairs, SIGGRAPH 1978)',
    dimensions: {
      'saturation.mean': {
        direction: 'target',
        unit: 'share',
        range: [0, 1],
        about: 'Mean saturation; 0 means a grey picture.',
      },
    },
  },
  async assess(frame, { params }) {
    const { rgb } = frame;
    let sum = 0;
    for (let i = 0; i < rgb.length; i += 3) {
      const most = Math.max(rgb[i], rgb[i + 1], rgb[i + 2]);
      const least = Math.min(rgb[i], rgb[i + 1], rgb[i + 2]);
      sum += most === 0 ? 0 : (most - least) / most;
    }
    const mean = (3 * sum) / rgb.length;
    const wanted = params.wanted ?? 0.4;
    return {
      'saturation.mean': { status: 'ok', raw: mean, quality: Math.max(0, 100 - 200 * Math.abs(mean - wanted)) },
    };
  },
};
