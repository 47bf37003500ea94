import { VERDICTS } from "../../document/compare.ts";
import { DECISIONS, STAGES } from "../../document/run.ts";
import {
  DARK,
  DECISION_COLOURS,
  decisionClass,
  FONT,
  LIGHT,
  MONO,
  ROUND_TRIP_CLASS,
  ROUND_TRIP_COLOUR,
  SIDE_COLOURS,
  STAGE_COLOURS,
  sideClass,
  stageClass,
  VERDICT_COLOURS,
  verdictClass,
} from "./tokens.ts";

/** The page's only style sheet. */
export const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)}}
@media (prefers-color-scheme:dark){:root{${variables(DARK)}}}
*{box-sizing:border-box}
html{scroll-behavior:smooth;scroll-padding-top:1rem}
body{margin:0;background:var(--ground);color:var(--ink);font:15px/1.5 ${FONT}}
header,nav,main,footer{max-width:1080px;margin:0 auto;padding:0 24px}
header{padding-top:28px}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;margin:3rem 0 .5rem;padding-top:.75rem;border-top:1px solid var(--rule)}
main>section:first-child h2{margin-top:1.25rem;border:0;padding:0}
h1 code{font-size:1em}
h3{font-size:1rem;margin:1.5rem 0 .5rem}
p{margin:.4rem 0;max-width:78ch}
a{color:var(--link);text-underline-offset:2px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
code,pre,.m{font-family:${MONO};font-size:.9em}
code{overflow-wrap:anywhere}td code{overflow-wrap:break-word}
pre{margin:.25rem 0;padding:.5rem .75rem;background:var(--panel);border:1px solid var(--rule);border-radius:6px;overflow:auto;max-height:24rem;white-space:pre-wrap;overflow-wrap:anywhere}
.soft{color:var(--soft)}
.skip{position:absolute;left:-999px}.skip:focus{left:8px;top:8px;background:var(--ground);padding:4px 8px}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;list-style:none;padding:.5rem 0;margin:.75rem 0 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule)}
.badge{display:inline-block;padding:0 .5em;border-radius:1em;font-size:.8rem;font-weight:600;border:1px solid currentColor;vertical-align:.12em;white-space:nowrap}
.alarm{color:var(--alarm)}.caution{color:var(--caution)}.good{color:var(--good)}
.box{margin:1rem 0;padding:.6rem 1rem;border-left:4px solid currentColor;border-radius:4px}
.box>*{color:var(--ink)}
.box>h3{color:inherit;margin:.1rem 0 .3rem}
.box.alarm{background:var(--alarm-ground)}.box.caution{background:var(--caution-ground)}.box.good{background:var(--good-ground)}
.box ul,.answer{margin:.25rem 0;padding-left:1.1rem}
.answer{list-style:none;padding:0}
.answer li{padding:.4rem 0;border-bottom:1px solid var(--grid);font-size:1.02rem}
li{margin:.15rem 0;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:.5rem 0}
table{border-collapse:collapse;font-size:.88rem;font-variant-numeric:tabular-nums;min-width:60%}
caption{text-align:left;color:var(--soft);padding:.25rem 0;font-size:.85rem}
th,td{text-align:left;padding:.28rem .75rem .28rem 0;border-bottom:1px solid var(--grid);vertical-align:top}
th{font-weight:600}thead th{color:var(--soft);border-bottom:1px solid var(--rule)}
.r{text-align:right}td.r{white-space:nowrap}
tbody th{font-weight:400;max-width:20rem}tbody th,tbody th code{overflow-wrap:break-word}
td.m,.n{white-space:nowrap}td.w{overflow-wrap:anywhere;min-width:12rem}td.w code{overflow-wrap:anywhere}
figure{margin:.75rem 0 1.25rem}
figcaption{color:var(--soft);font-size:.85rem;max-width:90ch}
.plot{overflow-x:auto}
svg{display:block;width:100%;height:auto;min-width:640px;font-family:${FONT}}
svg.mini{width:110px;min-width:110px;height:20px}
svg.strip{min-width:0}
svg text{fill:var(--ink);font-size:12px}
svg .t{fill:var(--soft);font-size:11px}
svg .m{font-family:${MONO};font-size:11.5px}
svg .e{text-anchor:end}svg .c{text-anchor:middle}svg .b{font-weight:600}
.grid{stroke:var(--grid);fill:none}.axis{stroke:var(--rule);fill:none}
.line{stroke:var(--ink);stroke-width:1.2;fill:none}
.dots{stroke:var(--ink);stroke-width:4.5;stroke-linecap:round;fill:none}
.mini .dots{stroke-width:3}
.gone{stroke:var(--alarm);stroke-width:1.4;fill:none}
.band{fill:var(--neutral);opacity:.18}
.shape{fill:var(--panel);stroke:var(--rule)}
.device{fill:var(--ground);stroke:var(--soft)}
.wire{stroke:var(--soft);fill:none}.idle{stroke-dasharray:3 4}
.hollow{fill:var(--ground);stroke-width:2}
.area{fill-opacity:.28;stroke-width:1.4}
.seg{stroke:var(--ground);stroke-width:1}
.bar{fill:var(--neutral)}
.hatch{fill:none;stroke:var(--neutral)}
.legend{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:.4rem 0;font-size:.85rem}
.legend svg{display:inline-block;width:14px;min-width:14px;height:12px;vertical-align:-1px;margin-right:.4em}
.strips{display:grid;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));gap:0 1.5rem}
details{margin:.4rem 0;border:1px solid var(--rule);border-radius:6px;padding:0 .9rem}
details[open]{padding-bottom:.5rem}
summary{cursor:pointer;padding:.45rem 0;overflow-wrap:anywhere}
dt{font-weight:600;margin-top:.6rem}dd{margin:0;max-width:82ch}
dl.kv{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem;margin:.5rem 0}
dl.kv dt{margin:0;font-weight:400;color:var(--soft)}dl.kv dd{overflow-wrap:anywhere;min-width:0}
.tip{position:fixed;z-index:9;pointer-events:none;max-width:32rem;padding:.2rem .55rem;border-radius:5px;background:var(--ink);color:var(--ground);font-size:.82rem;overflow-wrap:anywhere}
.tip[hidden]{display:none}
[data-tip]{cursor:help}[data-tip]:hover{opacity:.75}
.long>section{content-visibility:auto;contain-intrinsic-size:auto 60rem}
.filter{margin:.6rem 0 0;font-size:.88rem}
input,button{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--soft);border-radius:5px;padding:.1rem .5rem}
button{cursor:pointer;font-size:.85rem}
.copy{position:relative;display:flex;gap:.5rem;align-items:flex-start}.copy pre{flex:1;min-width:0}.copy button{margin-top:.45rem}
h4{font-size:.95rem;margin:1rem 0 .25rem}
article{border-top:1px solid var(--grid);margin-top:1rem}
footer{margin-top:3rem;padding-bottom:3rem;color:var(--soft);font-size:.85rem}
@media (max-width:640px){header,nav,main,footer{padding-left:14px;padding-right:14px}dl.kv{grid-template-columns:1fr}}
@media print{
.long>section{content-visibility:visible}
:root{color-scheme:light;${variables(LIGHT)}}
body{font-size:10.5pt}nav,.skip,.filter,.copy button,.tip{display:none}main,header,footer{max-width:none;padding:0}
a{color:inherit;text-decoration:none}h2,h3,summary{break-after:avoid}
figure,tr,li{break-inside:avoid}details{border:0;padding:0}
.scroll,.plot,pre{overflow:visible;max-height:none}svg{min-width:0}
details::details-content{content-visibility:visible;block-size:auto}
.raw{display:none}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
${STAGES.map((stage) => painted(stageClass(stage), STAGE_COLOURS[stage])).join("")}
${painted(ROUND_TRIP_CLASS, ROUND_TRIP_COLOUR)}
${DECISIONS.map((name) => painted(decisionClass(name), DECISION_COLOURS[name])).join("")}
${VERDICTS.map((name) => painted(verdictClass(name), VERDICT_COLOURS[name])).join("")}
${SIDE_COLOURS.map((colour, place) => painted(sideClass(place), colour)).join("")}
`;

function painted(name: string, colour: string): string {
  return `.${name}{fill:${colour};stroke:${colour}}.${name}.hollow{fill:var(--ground)}.${name}.wide{fill:none;stroke-width:2}.${name}.seg{stroke:var(--ground)}`;
}

function variables(tokens: Record<string, string>): string {
  return Object.entries(tokens)
    .map((pair) => pair.join(":"))
    .join(";");
}
