"""The look of the report: one sheet, light and dark, and on paper."""

STYLE = """
:root{--back:#fbfbf9;--sheet:#fff;--ink:#1d2328;--soft:#5c6770;--line:#dfe3e6;--good:#2f6fae;--bad:#d9622b;
--muted:#a9b2ba;--on:#fff;--cell:#eff1f2;--warn:#fff3e0;--warn-line:#e8a33d;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--back:#14181b;--sheet:#1c2226;--ink:#e6eaed;--soft:#9aa6af;--line:#333c43;
--good:#5b9bdc;--bad:#ef8a55;--muted:#5f6b74;--on:#0d1114;--cell:#262d32;--warn:#33291a;--warn-line:#b97f2a}}
@media print{:root{--back:#fff;--sheet:#fff;--ink:#000;--soft:#444;--line:#bbb;--good:#2f6fae;--bad:#d9622b;
--muted:#a9b2ba;--on:#fff;--cell:#f2f2f2;--warn:#fff;--warn-line:#888;color-scheme:light}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",
Arial,"Noto Sans",sans-serif;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:940px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:1.7rem;line-height:1.25;margin:.2rem 0 .3rem}
h2{font-size:1.15rem;margin:0 0 .6rem}
p{margin:.5rem 0}
.lead{font-size:1.12rem}
.soft,.soft *{color:var(--soft)}
section{background:var(--sheet);border:1px solid var(--line);border-radius:10px;padding:18px 20px;
margin:16px 0}
.warn{background:var(--warn);border-left:4px solid var(--warn-line);padding:8px 14px;border-radius:4px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:22px;align-items:start}
.trio{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:18px;align-items:start}
.fall{display:flex;gap:14px;align-items:flex-start;margin:6px 0 10px}
.step{flex:1 1 0;min-width:0;text-align:center;display:flex;flex-direction:column}
.step b{font-size:clamp(1.25rem,5vw,2.6rem);line-height:1.1;font-weight:700;letter-spacing:-.03em}
.step b.good{color:var(--good)}.step b.muted{color:var(--soft)}
.step .drop{color:var(--bad);font-weight:700;font-size:clamp(.85rem,2.4vw,1.15rem);min-height:1.6em}
.step .track{position:relative;height:190px;border-bottom:2px solid var(--ink);margin:2px 0 8px}
.step i{position:absolute;display:block;left:12%;right:12%;bottom:0;height:var(--v);border-radius:4px 4px 0 0}
.step i.fill.good{background:var(--good)}.step i.fill.muted{background:var(--muted)}
.step i.lost{border:2px dashed var(--bad);border-bottom:0;
background:color-mix(in srgb,var(--bad) 22%,transparent)}
.step i.line{bottom:var(--from);left:50%;right:auto;width:0;border-left:2px solid var(--ink);border-radius:0}
.step strong{font-size:.95rem;overflow-wrap:anywhere}
.step span.soft{font-size:.84rem;line-height:1.3}
figure{margin:0}
figcaption{color:var(--soft);font-size:.9rem;margin-top:.4rem}
.scroll,.wide{overflow-x:auto}
.wide svg{min-width:480px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.95rem}
th,td{padding:6px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap;vertical-align:top}
th{color:var(--soft);font-weight:600;white-space:normal;vertical-align:bottom}
th:first-child,td:first-child{text-align:left}
td.wide,th.wide{white-space:normal;text-align:left}
td small{display:block;color:var(--soft)}
table.tight{font-size:.88rem}
.tight th,.tight td{padding:4px 6px}
.tight th[colspan]{text-align:center}
.tight td:first-child,.tight th.wide{white-space:normal;min-width:9em}
.tight tr.soft td{color:var(--soft)}
.tight .apart{border-left:1px solid var(--line)}
.tight th.wide{text-align:left;color:var(--ink);padding-top:14px}
.swatch{display:inline-block;width:.8em;height:.8em;border-radius:3px;margin-right:.5em;vertical-align:-.05em;
border:1px solid color-mix(in srgb,var(--ink) 30%,transparent)}
ul,ol{margin:.4rem 0;padding-left:1.3rem}
li{margin:.3rem 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 18px;margin:0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font-size:.85rem;background:var(--cell);padding:12px;border-radius:6px}
summary{cursor:pointer}
svg{width:100%;height:auto;display:block}
svg text{font-size:12px;fill:var(--ink)}
svg .soft{fill:var(--soft)}
svg .strong{font-weight:600}
svg .small{font-size:10px}
svg .on{fill:var(--on)}
svg .good{fill:var(--good)}
svg .bad{fill:var(--bad)}
svg .muted{fill:var(--muted)}
svg .cell{fill:var(--cell)}
svg .ink{fill:var(--ink)}
svg .band{fill:var(--good);fill-opacity:.18}
svg .thin{stroke:var(--soft);stroke-width:1.4;fill:none}
svg .thin-bad{stroke:var(--bad);stroke-width:1.4;stroke-dasharray:3 3;fill:none}
svg .mark{stroke:var(--bad);stroke-width:1.6;stroke-dasharray:5 4;fill:none}
svg .grid{stroke:var(--line);fill:none}
svg .ideal{stroke:var(--soft);stroke-dasharray:5 4;fill:none}
svg .curve{stroke:var(--good);stroke-width:2;fill:none}
svg .whisker{stroke:var(--ink);stroke-width:1.6;fill:none}
svg .dot{stroke:var(--sheet);stroke-width:1.5}
svg .point{fill-opacity:.55}
footer{color:var(--soft);font-size:.88rem;margin-top:24px}
@media screen and (max-width:560px){.fall{flex-direction:column;gap:12px;align-items:stretch}
.step{display:grid;grid-template-columns:1fr auto auto;column-gap:8px;text-align:left;align-items:baseline}
.step strong{order:1}.step .drop{order:2;min-height:0}.step b{order:3;font-size:1.5rem}
.step .track{order:4;grid-column:1/-1;height:22px;border:0;border-left:2px solid var(--ink)}
.step span.soft{order:5;grid-column:1/-1;font-size:.8rem}
.step i{left:0;right:auto;top:0;bottom:0;height:auto;width:var(--v);border-radius:0 4px 4px 0}
.step i.lost{border:2px dashed var(--bad);border-left:0}
.step i.line{top:50%;bottom:auto;left:var(--from);width:var(--v);border-left:0;border-top:2px solid var(--ink)}
main{padding:16px 10px 40px}section{padding:14px 12px}}
@page{margin:14mm}
@media print{body{font-size:10pt;line-height:1.4}main{max-width:none;padding:0}
h1{font-size:18pt}h2{font-size:12.5pt}.lead{font-size:11.5pt}
section{border:0;border-top:1px solid var(--line);border-radius:0;padding:8px 0;margin:6px 0;break-inside:avoid}
h1,h2{break-after:avoid}p,li{orphans:3;widows:3}figure,.fall,svg,tr,li{break-inside:avoid}
thead{display:table-header-group}.scroll,.wide{overflow:visible}.wide svg{min-width:0}svg{max-height:200mm}
table{font-size:9pt}th,td{padding:3px 6px}.step .track{height:150px}.step b{font-size:24pt}
.pair{grid-template-columns:1fr 1fr}section:has(>details:not([open])){display:none}}
"""
