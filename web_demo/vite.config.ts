import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { PACKAGED_MODEL } from "./packaged_model.js";

const SERVICE_WORKER = "service_worker.js";

/** Tells the service worker which files the build has. */
function listFiles(): Plugin {
  return {
    name: "list-files",
    enforce: "post",
    generateBundle(_options, bundle) {
      const files = Object.values(bundle)
        .filter(({ fileName }) => fileName !== SERVICE_WORKER)
        .map((file) => {
          const digest = createHash("sha256").update(
            file.type === "asset" ? file.source : file.code,
          );
          // The names of all others have digests of their own.
          const revision = file.fileName === "index.html" ? digest.digest("hex") : null;
          return { url: file.fileName, revision };
        })
        .sort((a, b) => (a.url < b.url ? -1 : 1));
      const worker = bundle[SERVICE_WORKER];
      if (worker?.type !== "chunk") throw new Error(`the build has no ${SERVICE_WORKER}`);
      const code = worker.code.replace("self.__WB_MANIFEST", () => JSON.stringify(files));
      if (code === worker.code)
        throw new Error(`${SERVICE_WORKER} has no place for the list of files`);
      worker.code = code;
    },
  };
}

export default defineConfig({
  base: "./", // the page may lie in any folder of a server
  assetsInclude: ["**/*.tflite"],
  plugins: [listFiles()],
  resolve: { alias: [{ find: /^packaged-model/, replacement: PACKAGED_MODEL }] },
  build: {
    target: "es2023",
    assetsInlineLimit: 0,
    modulePreload: false,
    rolldownOptions: {
      input: {
        index: fileURLToPath(new URL("index.html", import.meta.url)),
        service_worker: fileURLToPath(new URL("offline/service_worker.ts", import.meta.url)),
      },
      output: {
        entryFileNames: ({ name }) =>
          name === "service_worker" ? SERVICE_WORKER : "assets/[name]-[hash].js",
      },
    },
  },
  server: { fs: { allow: [".."] } },
  test: { include: ["tests/*.test.ts"], testTimeout: 300_000, hookTimeout: 120_000 },
});
