/** EXIF orientation as a pure permutation of pixels. */

export interface Grey {
  /** 0…255, row by row. */
  readonly samples: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/**
 * Turns stored pixels upright.
 *
 * @param orientation 1…8 as in EXIF 2.3 / TIFF 6.0 tag 274: which edges of the scene the stored first row and
 *   first column are
 */
export function upright(image: Grey, orientation: number): Grey {
  if (orientation === 1) return image;
  const { samples, width, height } = image;
  const transposed = orientation >= 5;
  const fromRight = orientation === 2 || orientation === 3 || orientation === 7 || orientation === 8;
  const fromBottom = orientation === 3 || orientation === 4 || orientation === 6 || orientation === 7;
  const [outWidth, outHeight] = transposed ? [height, width] : [width, height];
  const out = new Uint8Array(samples.length);
  for (let y = 0, to = 0; y < outHeight; y++) {
    for (let x = 0; x < outWidth; x++) {
      const column = transposed ? y : x;
      const row = transposed ? x : y;
      const fromX = fromRight ? width - 1 - column : column;
      const fromY = fromBottom ? height - 1 - row : row;
      out[to++] = samples[fromY * width + fromX] ?? 0;
    }
  }
  return { samples: out, width: outWidth, height: outHeight };
}
