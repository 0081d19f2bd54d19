# Copyright: (c) 2026, analytics.ops contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the page of a report looks like: on a phone at night, on a wide screen, on paper; no colour alone says anything.

Every pair of colours has a contrast of 4.5 and more, in both schemes.
"""

from __future__ import annotations

STYLE = """
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--text:#1b1f24;--soft:#57606a;--line:#d0d7de;--code:#eef1f4;
--link:#0550ae;--critical:#b3151f;--warning:#8a5300;--unknown:#7a35a8;--info:#0550ae;--ok:#116329;--curve:#0550ae}
@media (prefers-color-scheme:dark){:root{--page:#0d1117;--card:#161b22;--text:#e6edf3;--soft:#9da7b3;--line:#3d444d;
--code:#252c35;--link:#79b8ff;--critical:#ff8f88;--warning:#eab454;--unknown:#d2a8ff;--info:#79b8ff;--ok:#6fd387;
--curve:#79b8ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:16px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;
overflow-wrap:anywhere}
header,main,footer{max-width:72rem;margin:0 auto;padding:0 1rem}
h1{font-size:1.5rem;line-height:1.25;margin:.25rem 0}
h2{font-size:1.25rem;margin:2rem 0 .75rem}
h3{font-size:1rem;margin:0}
h4{font-size:.95rem;margin:1rem 0 .5rem;color:var(--soft);font-weight:600}
p{margin:.4rem 0}
a{color:var(--link)}
ul{margin:.4rem 0;padding-left:1.25rem}
li{margin:.3rem 0}
:focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-100rem}
.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem}
.verdict{border:1px solid var(--line);border-left:.5rem solid var(--tone);background:var(--card);border-radius:8px;
padding:1rem;margin-top:1rem}
.verdict .word{color:var(--tone)}
.soft{color:var(--soft)}
nav ul{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.25rem 1rem;margin:.75rem 0 0}
nav a{display:inline-block;padding:.2rem 0}
.critical,.unhealthy{--tone:var(--critical)}
.warning,.degraded{--tone:var(--warning)}
.unknown{--tone:var(--unknown)}
.info{--tone:var(--info)}
.ok,.healthy{--tone:var(--ok)}
.card{border:1px solid var(--line);border-left:.3rem solid var(--tone);background:var(--card);border-radius:8px;
padding:.75rem 1rem;margin:.75rem 0;break-inside:avoid}
.badge{display:inline-block;border:1.5px solid var(--tone);color:var(--tone);border-radius:4px;padding:0 .4rem;
font-size:.85rem;font-weight:700;white-space:nowrap}
.meta{display:flex;flex-wrap:wrap;gap:.1rem 1rem;color:var(--soft);font-size:.9rem;margin:.25rem 0}
.meta b{color:var(--text);font-weight:600}
.next{border-top:1px solid var(--line);padding-top:.5rem;margin-top:.5rem}
code{background:var(--code);border-radius:4px;padding:.1rem .35rem;font:0.9em ui-monospace,"Cascadia Mono",Menlo,
monospace;user-select:all;-webkit-user-select:all;white-space:pre-wrap;-webkit-box-decoration-break:clone;
box-decoration-break:clone}
.host{border:1px solid var(--line);background:var(--card);border-radius:8px;margin:.5rem 0;padding:0 1rem}
summary{cursor:pointer;padding:.7rem 0}
summary h3{display:inline}
.host[open]{padding-bottom:1rem}
.figures{display:grid;grid-template-columns:repeat(auto-fill,minmax(15rem,1fr));gap:.75rem}
figure{margin:0;border:1px solid var(--line);border-radius:6px;padding:.5rem .6rem;break-inside:avoid}
figcaption{font-size:.9rem;display:flex;justify-content:space-between;gap:.5rem;align-items:baseline}
figcaption b{white-space:nowrap}
figure p{font-size:.85rem;color:var(--soft);margin:.2rem 0 0}
.chart{display:block;width:100%;height:auto;margin-top:.25rem}
.curve{fill:none;stroke:var(--curve);stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.last{fill:var(--curve)}
.limit{stroke:var(--critical);stroke-width:1.5;stroke-dasharray:5 4;vector-effect:non-scaling-stroke}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.25rem .75rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top;
font-weight:400}
td.number{text-align:right;white-space:nowrap;padding-right:0}
footer{padding-top:2rem;padding-bottom:2rem;color:var(--soft);font-size:.9rem}
@media (min-width:48rem){h1{font-size:2rem}}
@media print{:root{--page:#fff;--card:#fff;--text:#000;--soft:#333;--line:#999;--code:#eee;--link:#000;
--critical:#b3151f;--warning:#8a5300;--unknown:#7a35a8;--info:#0550ae;--ok:#116329;--curve:#000}
nav,.skip{display:none}body{font-size:10pt}header,main,footer{max-width:none;padding:0}
details::details-content{content-visibility:visible;block-size:auto}h2{break-after:avoid}}
"""
