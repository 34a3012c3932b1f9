import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { json, path } from "./expected.js";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
];
const CAMERA = [
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
  `--use-file-for-fake-video-capture=${path("film.y4m")}`,
];

let server: PreviewServer;
let origin: string;
let folder: string;
const contexts: BrowserContext[] = [];

beforeAll(async () => {
  server = await preview({ preview: { port: 0, host: "127.0.0.1" } });
  origin = new URL(server.resolvedUrls!.local[0]!).origin;
  folder = mkdtempSync(join(tmpdir(), "web_demo-"));
});

afterAll(async () => {
  for (const context of contexts) await context.close();
  await server.close();
  rmSync(folder, { recursive: true });
});

/** A browser with the page in it, ready; and every address that it asked for. */
async function open(
  flags: string[] = [],
  script?: string,
): Promise<{ page: Page; asked: string[] }> {
  const context = await chromium.launchPersistentContext(join(folder, String(contexts.length)), {
    executablePath: "/usr/bin/chromium",
    args: [...FLAGS, ...flags],
    locale: "en-GB",
  });
  contexts.push(context);
  const asked: string[] = [];
  context.on("request", (request) => asked.push(request.url()));
  const [page] = context.pages();
  page!.setDefaultTimeout(100_000); // a loaded machine is slow, and no fault of the page
  if (script !== undefined) await page!.addInitScript(script);
  await page!.goto(origin);
  return { page: page!, asked };
}

async function ready(page: Page): Promise<void> {
  await page.waitForSelector("html[data-ready]", { state: "attached" });
}

const scores = (page: Page) =>
  page.$$eval("#faces li", (items) => items.map((item) => Number(item.getAttribute("data-score"))));
/** What Python says of the box that the page found; none if the desktop's box is another. */
async function expected(page: Page): Promise<number[] | undefined> {
  const box = await page.locator("#faces section").getAttribute("data-box");
  return json<Record<string, number[]>>("photograph.json")[box!];
}
const status = (page: Page) => page.locator("#status");

async function waitForStatus(page: Page, text: string | RegExp): Promise<void> {
  await status(page).filter({ hasText: text }).waitFor();
}

async function paste(page: Page, content: Uint8Array, name: string, type: string): Promise<void> {
  await page.evaluate(
    ([values, name, type]) => {
      const data = new DataTransfer();
      data.items.add(
        new File([new Uint8Array(values as number[])], name as string, { type: type as string }),
      );
      document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data }));
    },
    [Array.from(content), name, type],
  );
}

test("a photograph by file and by paste gets Python's scores, and nothing leaves the origin", async () => {
  const { page, asked } = await open();
  await ready(page);
  await page.setInputFiles("#file", path("photograph.png"));
  await waitForStatus(page, "One face was found.");
  expect(await scores(page)).toEqual(await expected(page));
  expect(await page.locator("#faces h2").allTextContents()).toEqual(["Face 1: happy"]);

  await page.setInputFiles("#file", path("two.png"));
  await waitForStatus(page, "2 faces were found.");

  await paste(page, readFileSync(path("photograph.png")), "image.png", "image/png");
  await waitForStatus(page, "One face was found.");
  expect(await scores(page)).toEqual(await expected(page));

  await page.setInputFiles("#file", {
    name: "broken.jpg",
    mimeType: "image/jpeg",
    buffer: Buffer.from("no"),
  });
  await waitForStatus(page, "“broken.jpg” is no image");

  await page.selectOption("#language", "zh");
  expect(await page.locator("h1").textContent()).toContain("面部表情");

  expect(asked.length).toBeGreaterThan(4);
  expect(
    asked.filter((url) => ![origin, "blob:", "data:"].some((begin) => url.startsWith(begin))),
  ).toEqual([]);
  // Another origin is refused by the page's policy, not only left alone.
  const violation = await page.evaluate(async () => {
    const told = new Promise<string>((resolve) => {
      document.addEventListener("securitypolicyviolation", (event) =>
        resolve(event.violatedDirective),
      );
    });
    const sent = await fetch("http://127.0.0.1:9/").then(
      () => "sent",
      () => "refused",
    );
    return [sent, await told];
  });
  expect(violation).toEqual(["refused", "connect-src"]);
  const inWorker = await page.evaluate(async () => {
    const code =
      'fetch("http://127.0.0.1:9/").catch(() => 0); self.addEventListener("securitypolicyviolation", (event) => postMessage(event.violatedDirective))';
    const worker = new Worker(URL.createObjectURL(new Blob([code])));
    return new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
  });
  expect(inWorker).toBe("connect-src");
});

test("the camera's face is found and happy", async () => {
  const { page } = await open(CAMERA);
  await ready(page);
  await page.click("#camera");
  await page.locator("#faces h2", { hasText: "Face 1: happy" }).waitFor();
  expect(await page.locator("#camera").getAttribute("aria-pressed")).toBe("true");
  await page.click("#camera");
  expect(await page.locator("#camera").textContent()).toBe("Use the camera");
});

test.each([
  ["NotFoundError", "No camera was found"],
  ["NotAllowedError", "The camera was refused"],
  ["NotReadableError", "The camera could not be started"],
])("a camera that fails with %s is a sentence", async (name, sentence) => {
  const { page } = await open(
    [],
    `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "${name}"); };`,
  );
  await ready(page);
  await page.click("#camera");
  await waitForStatus(page, sentence);
});

test("without SIMD the portable module runs and gets the same scores", async () => {
  const { page } = await open([], "WebAssembly.validate = () => false;");
  await ready(page);
  await waitForStatus(page, "no WebAssembly SIMD");
  await page.setInputFiles("#file", path("photograph.png"));
  await waitForStatus(page, "One face was found.");
  expect(await scores(page)).toEqual(await expected(page));
  expect(await page.locator("#times").textContent()).toContain("portable");
});

test("without WebAssembly the page says so", async () => {
  const { page } = await open([], "delete globalThis.WebAssembly;");
  await waitForStatus(page, "does not run WebAssembly");
});
