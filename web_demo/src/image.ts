/** Images, and OpenCV's arithmetic of scaling and greying them, so that a face gets the same bytes. */

/** uint8 [height][width][channels]; channels are red, green, blue. */
export interface Image {
  width: number;
  height: number;
  channels: number;
  pixels: Uint8Array;
}

/** A rectangle of whole pixels inside an image. */
export interface Part {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** An image without the fourth channel of a canvas. */
export function fromCanvas(data: ImageData): Image {
  const { width, height } = data;
  const pixels = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; to < pixels.length; from += 4, to += 3) {
    pixels[to] = data.data[from]!;
    pixels[to + 1] = data.data[from + 1]!;
    pixels[to + 2] = data.data[from + 2]!;
  }
  return { width, height, channels: 3, pixels };
}

/** Grey, with OpenCV's whole-number weights (of 2^15) of red, green and blue. */
export function toGrey(image: Image): Uint8Array {
  const grey = new Uint8Array(image.width * image.height);
  for (let to = 0, from = 0; to < grey.length; ++to, from += 3) {
    const [red, green, blue] = [0, 1, 2].map((k) => image.pixels[from + k]!);
    grey[to] = (9798 * red! + 19235 * green! + 3735 * blue! + (1 << 14)) >> 15;
  }
  return grey;
}

/** Scales a part of an image; `area`: pixels are means, where that makes it smaller both ways. */
export function resize(
  image: Image,
  part: Part,
  width: number,
  height: number,
  area: boolean,
): Image {
  const across = part.right - part.left;
  const down = part.bottom - part.top;
  // As OpenCV works them out: the inverse of an inverse.
  const scaleX = 1 / (width / across);
  const scaleY = 1 / (height / down);
  const whole = Number.isInteger(across / width) && Number.isInteger(down / height);
  const halves = whole && across === 2 * width && down === 2 * height;
  const pixels =
    halves || (area && whole)
      ? meanOfBlocks(image, part, width, height, across / width, down / height)
      : area && scaleX >= 1 && scaleY >= 1
        ? meanOfAreas(image, part, width, height, scaleX, scaleY)
        : interpolate(image, part, width, height, scaleX, scaleY, area);
  return { width, height, channels: image.channels, pixels };
}

/** The nearest whole number, of two the even one, as in Python and OpenCV. */
export function round(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) return rest < 0.5 ? below : below + 1;
  return below % 2 === 0 ? below : below + 1;
}

function toByte(value: number): number {
  return Math.min(Math.max(round(value), 0), 255);
}

/** Each pixel is the mean of a block of whole pixels. */
function meanOfBlocks(
  image: Image,
  part: Part,
  width: number,
  height: number,
  across: number,
  down: number,
): Uint8Array {
  const { channels } = image;
  const target = new Uint8Array(width * height * channels);
  const share = Math.fround(1 / (across * down));
  const isFour = across === 2 && down === 2;
  for (let y = 0, to = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      const corner = (part.top + y * down) * image.width + part.left + x * across;
      for (let k = 0; k < channels; ++k, ++to) {
        let sum = 0;
        for (let i = 0; i < down; ++i) {
          const row = (corner + i * image.width) * channels + k;
          for (let j = 0; j < across; ++j) sum += image.pixels[row + j * channels]!;
        }
        target[to] = isFour ? (sum + 2) >> 2 : toByte(Math.fround(sum * share));
      }
    }
  }
  return target;
}

interface Share {
  from: number;
  to: number;
  share: number;
}

/** Which pixels of a side take part in which new ones, and by how much. */
function shares(length: number, target: number, scale: number): Share[] {
  const list: Share[] = [];
  for (let to = 0; to < target; ++to) {
    const begin = to * scale;
    const end = begin + scale;
    const cell = Math.min(scale, length - begin);
    const last = Math.min(Math.floor(end), length - 1);
    const first = Math.min(Math.ceil(begin), last);
    if (first - begin > 1e-3) {
      list.push({ from: first - 1, to, share: Math.fround((first - begin) / cell) });
    }
    for (let from = first; from < last; ++from) {
      list.push({ from, to, share: Math.fround(1 / cell) });
    }
    if (end - last > 1e-3) {
      const rest = Math.min(Math.min(end - last, 1), cell);
      list.push({ from: last, to, share: Math.fround(rest / cell) });
    }
  }
  return list;
}

/** Each pixel is the mean of the area that it covers, summed in float32 row by row. */
function meanOfAreas(
  image: Image,
  part: Part,
  width: number,
  height: number,
  scaleX: number,
  scaleY: number,
): Uint8Array {
  const { channels } = image;
  const target = new Uint8Array(width * height * channels);
  const columns = shares(part.right - part.left, width, scaleX);
  const row = new Float32Array(width * channels);
  const sums = new Float32Array(width * channels);
  let current = 0;
  const flush = () => {
    for (const [i, sum] of sums.entries()) target[current * sums.length + i] = toByte(sum);
  };
  for (const { from, to, share } of shares(part.bottom - part.top, height, scaleY)) {
    row.fill(0);
    const start = ((part.top + from) * image.width + part.left) * channels;
    for (const column of columns) {
      for (let k = 0; k < channels; ++k) {
        const at = column.to * channels + k;
        const value = image.pixels[start + column.from * channels + k]!;
        row[at] = row[at]! + Math.fround(value * column.share);
      }
    }
    if (to !== current) {
      flush();
      sums.fill(0);
      current = to;
    }
    for (let i = 0; i < sums.length; ++i) sums[i] = sums[i]! + Math.fround(share * row[i]!);
  }
  flush();
  return target;
}

interface Neighbours {
  first: number;
  second: number;
  /** Their weights, in units of 2^-11. */
  weights: [number, number];
}

/** `isRow`: OpenCV lets the edge's row stand for the one beyond it, but gives a column all the weight. */
function neighbours(
  length: number,
  target: number,
  scale: number,
  area: boolean,
  isRow: boolean,
): Neighbours[] {
  return Array.from({ length: target }, (_, to) => {
    let at: number;
    let rest: number;
    if (area) {
      at = Math.floor(to * scale);
      rest = Math.fround(to + 1 - (at + 1) * (target / length));
      rest = rest <= 0 ? 0 : Math.fround(rest - Math.floor(rest));
    } else {
      const place = Math.fround((to + 0.5) * scale - 0.5);
      at = Math.floor(place);
      rest = Math.fround(place - at);
    }
    if (!isRow && at < 0) [at, rest] = [0, 0];
    if (!isRow && at >= length - 1) [at, rest] = [length - 1, 0];
    return {
      first: clamp(at, length),
      second: clamp(at + 1, length),
      weights: [round(Math.fround(1 - rest) * 2048), round(rest * 2048)],
    };
  });
}

/** Each pixel is interpolated between four, in whole numbers. */
function interpolate(
  image: Image,
  part: Part,
  width: number,
  height: number,
  scaleX: number,
  scaleY: number,
  area: boolean,
): Uint8Array {
  const { channels } = image;
  const target = new Uint8Array(width * height * channels);
  const columns = neighbours(part.right - part.left, width, scaleX, area, false);
  const rows = neighbours(part.bottom - part.top, height, scaleY, area, true);
  let to = 0;
  for (const row of rows) {
    const [upper, lower] = [row.first, row.second].map(
      (y) => ((part.top + y) * image.width + part.left) * channels,
    ) as [number, number];
    for (const { first, second, weights } of columns) {
      for (let k = 0; k < channels; ++k, ++to) {
        const [a, b] = [first * channels + k, second * channels + k];
        const above = image.pixels[upper + a]! * weights[0] + image.pixels[upper + b]! * weights[1];
        const below = image.pixels[lower + a]! * weights[0] + image.pixels[lower + b]! * weights[1];
        target[to] =
          (((row.weights[0] * (above >> 4)) >> 16) + ((row.weights[1] * (below >> 4)) >> 16) + 2) >>
          2;
      }
    }
  }
  return target;
}

/**
 * Moves an image by an affine map and cuts a square out of it, interpolated between four pixels.
 *
 * @param map two rows of three: where a pixel of the image goes
 * @param border what stands for pixels beyond the image: black, or the nearest pixel
 */
export function warp(
  image: Image,
  map: number[],
  size: number,
  border: "black" | "nearest",
): Image {
  const { width, height, channels } = image;
  const [a, b, c, d, e, f] = inverse(map);
  const pixels = new Uint8Array(size * size * channels);
  const across = Array.from({ length: size }, (_, x) => [toFixed(a * x), toFixed(d * x)] as const);
  // A tap's place in the image; -1 beyond a black border.
  const place = (x: number, y: number) => {
    const [column, row] = [clamp(x, width), clamp(y, height)];
    return border === "black" && (column !== x || row !== y)
      ? -1
      : (row * width + column) * channels;
  };
  for (let y = 0, to = 0; y < size; ++y) {
    const startX = toFixed(b * y + c) + HALF_STEP;
    const startY = toFixed(e * y + f) + HALF_STEP;
    for (const [alongX, alongY] of across) {
      const [sourceX, sourceY] = [(startX + alongX) >> 5, (startY + alongY) >> 5]; // of 2^-5 pixels
      const [left, top] = [sourceX >> 5, sourceY >> 5];
      const [right, down] = [sourceX & 31, sourceY & 31];
      const taps = [
        place(left, top),
        place(left + 1, top),
        place(left, top + 1),
        place(left + 1, top + 1),
      ];
      const weights = [
        (32 - right) * (32 - down),
        right * (32 - down),
        (32 - right) * down,
        right * down,
      ];
      for (let k = 0; k < channels; ++k, ++to) {
        let sum = 512;
        for (let i = 0; i < 4; ++i) {
          if (taps[i]! >= 0) sum += weights[i]! * image.pixels[taps[i]! + k]!;
        }
        pixels[to] = sum >> 10;
      }
    }
  }
  return { width: size, height: size, channels, pixels };
}

const HALF_STEP = 16; // half of 2^-5 pixels, in units of 2^-10

function toFixed(value: number): number {
  return round(value * 1024);
}

function clamp(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

/** The inverse of an affine map, in the order of OpenCV's operations. */
function inverse(map: number[]): [number, number, number, number, number, number] {
  const [a, b, c, d, e, f] = map as [number, number, number, number, number, number];
  const scale = 1 / (a * e - b * d);
  const [xx, xy, yx, yy] = [e * scale, b * -scale, d * -scale, a * scale];
  return [xx, xy, -xx * c - xy * f, yx, yy, -yx * c - yy * f];
}
