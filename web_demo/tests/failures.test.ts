/** What can go wrong is a sentence each. */
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launch, newPage, ready, type Served, serve, waitForStatus } from "../tools/browser.js";
import { path } from "./expected.js";

let served: Served;
let browser: Browser;

beforeAll(async () => {
  served = await serve();
  browser = await launch(); // of a machine without a camera
});

afterAll(async () => {
  await browser.close();
  await served.stop();
});

async function open(prepare?: (page: Page) => Promise<unknown>): Promise<Page> {
  const page = await newPage(browser, { serviceWorkers: "block" });
  await prepare?.(page);
  await page.goto(served.origin);
  return page;
}

const cameraFails = (name: string) =>
  `navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("", "${name}"); };`;

test.each([
  ["no camera", cameraFails("NotFoundError"), "No camera was found"],
  ["refused", cameraFails("NotAllowedError"), "The camera was refused"],
  ["in use", cameraFails("NotReadableError"), "The camera could not be started"],
  [
    "no https",
    "Object.defineProperty(window, 'isSecureContext', { value: false })",
    "only over https",
  ],
])("camera: %s", async (_, script, sentence) => {
  const page = await open((page) => page.addInitScript(script));
  await ready(page);
  await page.click("#camera");
  await waitForStatus(page, sentence);
  expect(await page.locator("#camera").getAttribute("aria-pressed")).toBe("false");
  await page.context().close();
});

test("camera: this machine has none, or the browser refuses it", async () => {
  const page = await open();
  await ready(page);
  await page.click("#camera");
  await page
    .locator("#status")
    .filter({ hasText: /No camera was found|was refused/ })
    .waitFor();
  await page.context().close();
});

test("camera: unplugged while it runs", async () => {
  const page = await open((page) =>
    page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = async () => {
        const canvas = document.createElement("canvas");
        const context = canvas.getContext("2d")!;
        setInterval(() => context.fillRect(0, 0, 9, 9), 50);
        const stream = canvas.captureStream();
        setTimeout(() => {
          for (const track of stream.getTracks()) track.dispatchEvent(new Event("ended"));
        }, 2000);
        return stream;
      };
    }),
  );
  await ready(page);
  await page.click("#camera");
  await waitForStatus(page, "The camera is gone");
  expect(await page.locator("#camera").textContent()).toBe("Use the camera");
  await page.context().close();
});

test("files: broken, no image, nothing; and the page goes on", async () => {
  const page = await open();
  await ready(page);
  const broken = { name: "broken.jpg", mimeType: "image/jpeg", buffer: Buffer.from("no") };
  await page.setInputFiles("#file", broken);
  await waitForStatus(page, "“broken.jpg” is no image");
  const text = { name: "list.txt", mimeType: "text/plain", buffer: Buffer.from("1\n2\n") };
  await page.setInputFiles("#file", text);
  await waitForStatus(page, "“list.txt” is no image");
  await page.evaluate(() => document.dispatchEvent(new ClipboardEvent("paste")));
  await waitForStatus(page, "What was pasted or dropped is no image");
  await page.setInputFiles("#file", path("turned_0.png"));
  await waitForStatus(page, "One face was found.");
  await page.context().close();
});

test("no face in the photograph", async () => {
  const page = await open();
  await ready(page);
  const blank = await page.evaluate(async () => {
    const canvas = new OffscreenCanvas(300, 200);
    canvas.getContext("2d")!.fillRect(0, 0, 300, 200);
    return Array.from(new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer()));
  });
  await page.setInputFiles("#file", {
    name: "blank.png",
    mimeType: "image/png",
    buffer: Buffer.from(blank),
  });
  await waitForStatus(page, "No face was found.");
  expect(await page.locator("#faces section").count()).toBe(0);
  await page.context().close();
});

test("no WebAssembly", async () => {
  const page = await open((page) => page.addInitScript("delete globalThis.WebAssembly;"));
  await waitForStatus(page, "does not run WebAssembly");
  await page.context().close();
});

test.each([
  ["absent", { status: 404 }, "could not be loaded"],
  ["another file", { body: "x".repeat(4000) }, "this is no TensorFlow Lite model"],
  ["cut off", { body: `    TFL3${"\0".repeat(4000)}` }, "the model "],
])("the network's file is %s", async (_, answer, sentence) => {
  const page = await open((page) => page.route(/bdnn.*tflite/, (route) => route.fulfill(answer)));
  await waitForStatus(page, sentence);
  await page.context().close();
});

test("the face detector's file is another one", async () => {
  const page = await open((page) =>
    page.route(/face_detection.*tflite/, (route) => route.fulfill({ body: "no" })),
  );
  await waitForStatus(page, "could not be loaded");
  await page.context().close();
});
