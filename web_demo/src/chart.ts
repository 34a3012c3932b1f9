/** A history as a chart: a line for each label, the newest moment at the right edge. */
import { type Sample, SECONDS } from "./history.js";

const MARGIN = 2; // pixels; half of the widest line

/** Draws samples, the oldest first, in the colours that the style has for the labels. */
export function drawChart(
  canvas: HTMLCanvasElement,
  labels: string[],
  samples: readonly Sample[],
): void {
  const newest = samples.at(-1);
  const { clientWidth: width, clientHeight: height } = canvas;
  if (newest === undefined || width === 0) return;
  const scale = window.devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d")!;
  const style = getComputedStyle(canvas);
  const x = (second: number) => (1 - (newest.second - second) / SECONDS) * width;
  const y = (share: number) => MARGIN + (1 - share) * (height - 2 * MARGIN);
  context.scale(scale, scale);
  context.lineJoin = "round";
  context.strokeStyle = style.getPropertyValue("--line");
  context.beginPath();
  for (const share of [0, 0.5, 1]) {
    context.moveTo(0, y(share));
    context.lineTo(width, y(share));
  }
  context.stroke();
  const best = newest.shares.indexOf(Math.max(...newest.shares));
  for (const [index, label] of labels.entries()) {
    context.strokeStyle = style.getPropertyValue(`--${label}`) || style.color;
    context.lineWidth = index === best ? 3 : 1.5;
    context.beginPath();
    for (const { second, shares, isReturn } of samples) {
      context[isReturn ? "moveTo" : "lineTo"](x(second), y(shares[index]!));
    }
    context.stroke();
  }
}
