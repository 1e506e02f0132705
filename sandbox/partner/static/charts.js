'use strict';

// Draws each chart of the page from the points that are also in its table.
(() => {
  const style = getComputedStyle(document.documentElement);
  const color = (name) => style.getPropertyValue(`--${name}`).trim();
  const curveColors = ['accent', 'second', 'third'];
  const height = 220;
  const font = '13px system-ui, sans-serif';
  const dayFormat = new Intl.DateTimeFormat('en-US', { dateStyle: 'medium', timeZone: 'UTC' });

  /** Points of several curves on one time axis, as uPlot wants them: seconds, then a list for each curve. */
  const aligned = (curves, index) => {
    const times = [...new Set(curves.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
    const values = curves.map(({ points }) => {
      const byTime = new Map(points.map((point) => [point[0], point[index]]));
      return times.map((at) => byTime.get(at) ?? null);
    });
    return { times: times.map((at) => at / 1000), values };
  };

  /** Writes the values under the pointer, or the latest ones. */
  const readout = (line, { unit, band, curves }, [times, ...values]) => {
    const text = (value) => `${Math.round(value * 100) / 100} ${unit}`;
    const withSwatch = (index, words) => {
      const [part, mark] = [document.createElement('span'), document.createElement('span')];
      part.className = 'curve';
      mark.className = 'swatch';
      mark.style.background = color(curveColors[index % curveColors.length]);
      part.append(mark, words);
      return part;
    };
    return (at) => {
      const index = at ?? times.length - 1;
      const parts = [`${dayFormat.format(times[index] * 1000)}:`];
      curves.forEach(({ name }, curve) => {
        const value = values[curve][index];
        if (value === null) return;
        if (curves.length > 1) parts.push(withSwatch(curve, `${name} ${text(value)}`));
        else parts.push(band ? `${text(value)}, ${text(values[2][index])} to ${text(values[1][index])}` : text(value));
      });
      line.replaceChildren(...parts.flatMap((part) => [part, ' ']));
    };
  };

  const draw = (figure) => {
    const drawing = JSON.parse(figure.dataset.chart);
    const { band, curves } = drawing;
    const plot = figure.querySelector('.plot');
    const { times, values } = aligned(curves, 1);
    const edges = band && curves.length === 1 ? [aligned(curves, 3).values[0], aligned(curves, 2).values[0]] : [];
    const data = [times, ...values, ...edges];
    const line = document.createElement('p');
    line.className = 'readout';
    const say = readout(line, { ...drawing, band: edges.length > 0 }, data);
    const axis = { stroke: color('muted'), grid: { stroke: color('line'), width: 1 }, ticks: { show: false }, font };
    plot.replaceChildren();
    const chart = new uPlot(
      {
        width: plot.clientWidth,
        height,
        // The tables give days in UTC too.
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
        series: [
          {},
          ...curves.map((_curve, index) => ({
            stroke: color(curveColors[index % curveColors.length]),
            width: 2,
            spanGaps: true,
            points: { show: times.length < 60, size: 7, fill: color('surface') },
          })),
          ...edges.map(() => ({ stroke: color('line'), width: 1, points: { show: false } })),
        ],
        bands: edges.length > 0 ? [{ series: [2, 3], fill: color('band') }] : [],
        scales: {
          y: {
            range: (_chart, low, high) => (low === high ? [low - 1, high + 1] : uPlot.rangeNum(low, high, 0.1, true)),
          },
        },
        axes: [
          { ...axis, space: 70, size: 44 },
          { ...axis, size: 56 },
        ],
        legend: { show: false },
        cursor: { drag: { x: false, y: false } },
        hooks: { setCursor: [({ cursor }) => say(cursor.idx)] },
      },
      data,
      plot,
    );
    say();
    plot.append(line);
    new ResizeObserver(() => chart.setSize({ width: plot.clientWidth, height })).observe(plot);
  };

  const drawAll = () => document.querySelectorAll('[data-chart]').forEach(draw);
  drawAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
})();
