/** Where things lie in a photo. Somebody else knows it: nothing here looks for faces. */

/** Pixels of the upright photo. */
export type Point = readonly [x: number, y: number];

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Face extends Box {
  /** Middles of the pupils, the one further left in the picture first. */
  readonly eyes: readonly [Point, Point];
  readonly mouth: Box;
}

export interface Regions {
  readonly face?: Face;
  /** Outline of the person: what lies outside is replaced by a plain background. */
  readonly person?: readonly Point[];
  /** Outline of the garment. */
  readonly garment?: readonly Point[];
  /** The layout stays as it is: a mask of the photo fits every candidate. @default false */
  readonly still?: boolean;
}

/** The same regions in a picture that is `scale` times as large. */
export function scaled(regions: Regions, scale: number): Regions {
  if (scale === 1) return regions;
  const point = ([x, y]: Point): Point => [x * scale, y * scale];
  const box = ({ left, top, width, height }: Box): Box => ({
    left: left * scale,
    top: top * scale,
    width: width * scale,
    height: height * scale,
  });
  const { face, person, garment, still } = regions;
  return {
    ...(face && {
      face: { ...box(face), eyes: [point(face.eyes[0]), point(face.eyes[1])], mouth: box(face.mouth) },
    }),
    ...(person && { person: person.map(point) }),
    ...(garment && { garment: garment.map(point) }),
    ...(still !== undefined && { still }),
  };
}
