"""The look of the report: one sheet, light and dark, and on paper."""

STYLE = """
:root{--back:#fbfbf9;--sheet:#fff;--ink:#1d2328;--soft:#5c6770;--line:#dfe3e6;--good:#2f6fae;--bad:#d9622b;
--muted:#a9b2ba;--on:#fff;--cell:#eff1f2;--warn:#fff3e0;--warn-line:#e8a33d;color-scheme:light dark}
@media (prefers-color-scheme:dark){:root{--back:#14181b;--sheet:#1c2226;--ink:#e6eaed;--soft:#9aa6af;--line:#333c43;
--good:#5b9bdc;--bad:#ef8a55;--muted:#5f6b74;--on:#0d1114;--cell:#262d32;--warn:#33291a;--warn-line:#b97f2a}}
@media print{:root{--back:#fff;--sheet:#fff;--ink:#000;--soft:#444;--line:#bbb;--good:#2f6fae;--bad:#d9622b;
--muted:#a9b2ba;--on:#fff;--cell:#f2f2f2;--warn:#fff;--warn-line:#888;color-scheme:light}
section{break-inside:avoid;box-shadow:none!important}
details:not([open]){display:none}}
*{box-sizing:border-box}
body{margin:0;background:var(--back);color:var(--ink);font:16px/1.55 system-ui,"Segoe UI",Roboto,"Helvetica Neue",
Arial,"Noto Sans",sans-serif;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:940px;margin:0 auto;padding:28px 20px 60px}
h1{font-size:1.7rem;line-height:1.25;margin:.2rem 0 .3rem}
h2{font-size:1.15rem;margin:0 0 .6rem}
p{margin:.5rem 0}
.lead{font-size:1.12rem}
.soft,.soft *{color:var(--soft)}
section,.cards>div{background:var(--sheet);border:1px solid var(--line);border-radius:10px;padding:18px 20px;
margin:16px 0}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));gap:14px;margin:18px 0}
.cards>div{margin:0}
.cards b{display:block;font-size:2rem;line-height:1.15;font-weight:650;letter-spacing:-.02em}
.cards .first{border-color:var(--good);border-width:2px}
.cards .first b{color:var(--good)}
.warn{background:var(--warn);border-left:4px solid var(--warn-line);padding:8px 14px;border-radius:4px}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(300px,1fr));gap:22px;align-items:start}
figure{margin:0}
figcaption{color:var(--soft);font-size:.9rem;margin-top:.4rem}
.scroll,.wide{overflow-x:auto}
.wide svg{min-width:480px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.95rem}
th,td{padding:6px 10px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap;vertical-align:top}
th{color:var(--soft);font-weight:600}
th:first-child,td:first-child{text-align:left}
td.wide{white-space:normal;text-align:left}
td small{display:block;color:var(--soft)}
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
svg .grid{stroke:var(--line);fill:none}
svg .ideal{stroke:var(--soft);stroke-dasharray:5 4;fill:none}
svg .curve{stroke:var(--good);stroke-width:2;fill:none}
svg .whisker{stroke:var(--ink);stroke-width:1.6;fill:none}
svg .dot{stroke:var(--sheet);stroke-width:1.5}
svg .point{fill-opacity:.55}
footer{color:var(--soft);font-size:.88rem;margin-top:24px}
@media (max-width:560px){main{padding:16px 10px 40px}section{padding:14px 12px}.cards b{font-size:1.6rem}}
"""
