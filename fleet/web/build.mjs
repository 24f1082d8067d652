// Bundles scripts and styles into static/dist: two files for every page, one pair for the map.
// `node build.mjs --watch` builds again on each change.
import { build, context } from "esbuild";
import { rmSync } from "node:fs";

const options = {
  entryPoints: {
    passerelle: "assets/scripts/main.js",
    style: "assets/styles/main.css",
    map: "assets/scripts/map.js",
    chart: "assets/scripts/chart.js",
    theme: "assets/scripts/theme.js",
  },
  outdir: "static/dist",
  bundle: true,
  minify: true,
  format: "esm",
  target: ["firefox115", "chrome115", "safari16"],
  loader: { ".png": "file", ".svg": "file" },
  assetNames: "[name]",
  legalComments: "linked",
  logLevel: "warning",
};

rmSync("static/dist", { recursive: true, force: true });
if (process.argv.includes("--watch")) {
  await (await context(options)).watch();
} else {
  await build(options);
}
