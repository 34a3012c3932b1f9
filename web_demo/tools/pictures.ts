/**
 * Pictures of the page, empty, with a photograph and, given a FILM, with a camera; on a phone's and
 * a desktop's width, light and dark.
 *
 *     node tools/run.mjs pictures PHOTOGRAPH FOLDER [FILM.y4m]
 */
import { join } from "node:path";
import { cameraFlags, launch, newPage, ready, serve } from "./browser.js";

const WIDTHS = { phone: 390, desktop: 1100 };
const SECONDS_OF_CAMERA = 35;

export async function main([photograph, folder, film]: string[]): Promise<number> {
  if (photograph === undefined || folder === undefined) {
    console.error("error: name a photograph and a folder for the pictures");
    return 2;
  }
  const served = await serve();
  const browser = await launch(film === undefined ? [] : cameraFlags(film));
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [device, width] of Object.entries(WIDTHS)) {
      const options = { colorScheme, viewport: { width, height: 800 }, deviceScaleFactor: 1.5 };
      const page = await newPage(browser, options);
      const shoot = (name: string) =>
        page.screenshot({
          path: join(folder, `${name}_${device}_${colorScheme}.jpg`),
          quality: 85,
          fullPage: true,
        });
      await page.goto(served.origin);
      await ready(page);
      await shoot("empty");
      await page.setInputFiles("#file", photograph);
      await page.locator("#faces section").first().waitFor();
      await shoot("photograph");
      if (film !== undefined) {
        await page.click("#camera");
        await page.locator("#faces canvas").waitFor();
        await page.waitForTimeout(1000 * SECONDS_OF_CAMERA);
        await page.click("#camera");
        await shoot("camera");
      }
      await page.context().close();
    }
  }
  await browser.close();
  await served.stop();
  return 0;
}
