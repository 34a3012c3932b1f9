/** Headless Chromium with the built page in it. */
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { preview } from "vite";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-sync",
  "--disable-background-networking",
  "--disable-component-update",
];

/** Starts Chromium: the one that CHROMIUM names, else Debian's. */
export function launch(flags: string[] = []): Promise<Browser> {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags] });
}

/** Flags that make a film (.y4m) the picture of a camera that the user allowed. */
export function cameraFlags(film: string): string[] {
  return [
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    `--use-file-for-fake-video-capture=${film}`,
  ];
}

export interface Served {
  origin: string;
  stop(): Promise<void>;
}

/** Serves web_demo/dist on this machine. */
export async function serve(): Promise<Served> {
  const server = await preview({ preview: { port: 0, host: "127.0.0.1" } });
  return {
    origin: new URL(server.resolvedUrls!.local[0]!).origin,
    stop: () => server.close(),
  };
}

/** A new browser context with an empty page; a loaded machine is slow, and no fault of the page. */
export async function newPage(
  browser: Browser,
  options: BrowserContextOptions = {},
): Promise<Page> {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(100_000);
  return page;
}

/** Waits until the page has its networks. */
export async function ready(page: Page): Promise<void> {
  await page.waitForSelector("html[data-ready]", { state: "attached" });
}

/** Waits for a sentence in the page's status. */
export async function waitForStatus(page: Page, text: string): Promise<void> {
  await page.locator("#status").filter({ hasText: text }).waitFor();
}
