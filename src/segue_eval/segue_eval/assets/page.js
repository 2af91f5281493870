// One cursor for all time charts: hover to read values, click to move the video, and the video moves the playhead.
(() => {
  const SVG = "http://www.w3.org/2000/svg";
  const data = JSON.parse(document.getElementById("series").textContent);
  const video = document.querySelector("video");
  const offset = video ? Number(video.dataset.start) : 0;
  const charts = [...document.querySelectorAll("svg[data-t0]")].map(prepare);

  function add(parent, tag, className) {
    const node = document.createElementNS(SVG, tag);
    node.setAttribute("class", className);
    node.setAttribute("visibility", "hidden");
    return parent.appendChild(node);
  }

  function prepare(svg) {
    const number = (name) => Number(svg.dataset[name]);
    const chart = { svg, x0: number("x0"), x1: number("x1"), t0: number("t0"), t1: number("t1"), key: svg.dataset.key };
    chart.lines = { cursor: add(svg, "line", "cursor"), playhead: add(svg, "line", "playhead") };
    for (const line of Object.values(chart.lines)) {
      line.setAttribute("y1", number("top"));
      line.setAttribute("y2", number("bottom"));
    }
    chart.readout = add(svg, "text", "readout");
    chart.readout.setAttribute("x", chart.x1);
    chart.readout.setAttribute("y", number("top") - 7);
    return chart;
  }

  function place(chart, kind, time) {
    const line = chart.lines[kind];
    const inside = time !== null && time >= chart.t0 && time <= chart.t1;
    line.setAttribute("visibility", inside ? "visible" : "hidden");
    if (!inside) return;
    const x = chart.x0 + ((time - chart.t0) / (chart.t1 - chart.t0)) * (chart.x1 - chart.x0);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }

  function nearest(times, time) {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= time) low = middle; else high = middle - 1;
    }
    return low;
  }

  function read(chart, time) {
    const series = data.charts[chart.key];
    const shown = time !== null && series !== undefined && data.t.length > 0;
    chart.readout.setAttribute("visibility", shown ? "visible" : "hidden");
    if (!shown) return;
    const index = nearest(data.t, time);
    const values = series.map(([name, column]) => `${name} ${column[index] ?? "-"}`);
    chart.readout.textContent = [`${data.t[index].toFixed(2)} s`, ...values].join("   ");
  }

  function show(time) {
    for (const chart of charts) {
      place(chart, "cursor", time);
      read(chart, time);
    }
  }

  function timeAt(chart, event) {
    const box = chart.svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * chart.svg.viewBox.baseVal.width;
    const time = chart.t0 + ((x - chart.x0) / (chart.x1 - chart.x0)) * (chart.t1 - chart.t0);
    return Math.min(chart.t1, Math.max(chart.t0, time));
  }

  for (const chart of charts) {
    chart.svg.addEventListener("pointermove", (event) => show(timeAt(chart, event)));
    chart.svg.addEventListener("pointerleave", () => show(null));
    chart.svg.addEventListener("click", (event) => {
      if (video) video.currentTime = Math.max(0, timeAt(chart, event) - offset);
    });
  }

  function follow() {
    for (const chart of charts) place(chart, "playhead", video.currentTime + offset);
    if (!video.paused) requestAnimationFrame(follow);
  }
  if (video) for (const name of ["play", "seeked", "loadedmetadata"]) video.addEventListener(name, follow);
})();
