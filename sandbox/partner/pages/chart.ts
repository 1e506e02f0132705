import { html } from '../html.ts';
import type { Html } from '../html.ts';
import type { Chart, Point } from '../store/charts.ts';
import { figure, shortDay } from './format.ts';

/** The files that draw charts. */
export const chartFiles = { scripts: ['/uplot.js', '/charts.js'], styles: ['/uplot.css'] } as const;

const dateOf = ({ at }: Point): string => shortDay(new Date(at).toISOString());

const spanWords = { day: 'day', week: 'week', month: '30 days' } as const;

const extremes = ({ curves, unit }: Chart): string => {
  const points = curves.flatMap((curve) => curve.points);
  const lowest = Math.min(...points.map((point) => point.lowest));
  const highest = Math.max(...points.map((point) => point.highest));
  const sorted = points.map(({ at }) => at).sort((a, b) => a - b);
  const [first = 0, last = 0] = [sorted[0], sorted.at(-1)];
  const dates = `${shortDay(new Date(first).toISOString())} to ${shortDay(new Date(last).toISOString())}`;
  return `${dates}: ${figure(lowest)} to ${figure(highest)} ${unit}`.trim();
};

/**
 * A chart and the same points as a table. charts.js draws from the JSON; a browser without scripts, and a person who
 * does not see the curve, have the table.
 */
export const chartFigure = (title: string, chart: Chart): Html => {
  const curves = chart.curves.map(({ name, points }) => ({
    name: nameOf(title, name),
    points: points.map(({ at, value, lowest, highest }) => [at, value, lowest, highest]),
  }));
  const data = JSON.stringify({ unit: chart.unit, band: chart.span !== undefined, curves });
  return html`<figure class="card chart" data-chart="${data}">
    <figcaption>
      <strong>${title}</strong>
      <span class="quiet">${extremes(chart)}${chart.span !== undefined && ` · each point is the average of a ${spanWords[chart.span]}, the band its lowest and highest`}</span>
    </figcaption>
    <div class="plot" aria-hidden="true"></div>
    <details>
      <summary>The same as a table<span class="hidden">: ${title}</span></summary>
      ${chart.span === undefined ? readingsTable(title, chart) : spansTable(title, chart)}
    </details>
  </figure>`;
};

const nameOf = (title: string, name: string): string => (name === '' ? title : name);

const rowsOf = (title: string, { curves }: Chart): readonly { readonly name: string; readonly point: Point }[] =>
  curves
    .flatMap(({ name, points }) => points.map((point) => ({ name: nameOf(title, name), point })))
    .sort((a, b) => b.point.at - a.point.at);

const readingsTable = (title: string, chart: Chart): Html =>
  html`<table aria-label="${title}">
    <thead>
      <tr>
        <th scope="col">Date</th>
        ${chart.curves.length > 1 && html`<th scope="col">What</th>`}
        <th scope="col" class="number">${chart.unit || 'Value'}</th>
      </tr>
    </thead>
    <tbody>
      ${rowsOf(title, chart).map(
        ({ name, point }) =>
          html`<tr>
            <th scope="row">${dateOf(point)}</th>
            ${chart.curves.length > 1 && html`<td>${name}</td>`}
            <td class="number">${point.value}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;

const spansTable = (title: string, chart: Chart): Html =>
  html`<table aria-label="${title}">
    <thead>
      <tr>
        <th scope="col">Around</th>
        ${chart.curves.length > 1 && html`<th scope="col">What</th>`}
        <th scope="col" class="number">Average</th>
        <th scope="col" class="number">Lowest and highest</th>
      </tr>
    </thead>
    <tbody>
      ${rowsOf(title, chart).map(
        ({ name, point }) =>
          html`<tr>
            <th scope="row">
              ${dateOf(point)}<br /><span class="quiet">${figure(point.count)} ${point.count === 1 ? 'reading' : 'readings'}</span>
            </th>
            ${chart.curves.length > 1 && html`<td>${name}</td>`}
            <td class="number">${figure(Math.round(point.value * 100) / 100)}</td>
            <td class="number">${figure(point.lowest)} to ${figure(point.highest)}</td>
          </tr>`,
      )}
    </tbody>
  </table>`;
