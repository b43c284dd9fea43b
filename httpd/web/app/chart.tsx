// Charts over time: stacked bars for what adds up, lines for levels. Floats are good enough to draw with; whoever wants a
// number gets it from the table.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { short } from './format';

export interface Series {
  name: string;
  values: Array<number | null>;
  faint?: boolean;                  // the period before
}

export interface ChartProps {
  times: number[];                  // begin of each window, in seconds
  series: Series[];
  kind: 'bars' | 'lines';
  zone: string;
  height?: number;
  label: string;
}

const style = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
// Twenty colours: ten, and the same paler.
const paint = (n: number): string => (n < 10 ? `var(--series-${n})` : `color-mix(in srgb, var(--series-${n - 10}) 50%, var(--card))`);

// By the place among those that are not faint, in CSS; a canvas wants it without variables.
function paintOf(series: Series[], one: Series): string {
  return one.faint ? 'var(--faint)' : paint(series.filter((other) => !other.faint).indexOf(one));
}
const colourOf = (series: Series[], one: Series): string => paintOf(series, one).replace(/var\((.*?)\)/g, (_, name: string) => style(name));

function stacked(series: Series[]): Array<Array<number | null>> {
  const sums: number[] = [];
  return series.map((one) => one.values.map((value, at) => {
    sums[at] = (sums[at] ?? 0) + (value ?? 0);
    return value === null ? null : sums[at];
  }));
}

function options(props: ChartProps, width: number): uPlot.Options {
  const bars = uPlot.paths.bars!({ size: [0.78, 42], align: 1 });
  const text = style('--soft');
  const axis = { stroke: text, font: '12px system-ui, sans-serif', grid: { stroke: style('--line'), width: 1 }, ticks: { show: false } };
  const drawn: uPlot.Series[] = props.series.map((one) => {
    const colour = colourOf(props.series, one);
    const asBars = props.kind === 'bars' && !one.faint;
    return {
      label: one.name, stroke: asBars ? undefined : colour, width: one.faint ? 1.5 : 2, dash: one.faint ? [4, 4] : undefined,
      fill: asBars ? colour : undefined, paths: asBars ? bars : undefined, spanGaps: true,
      points: { show: !asBars && !one.faint && props.times.length < 40, size: 5, fill: colour },
    };
  });
  return {
    width, height: props.height ?? 280, padding: [12, 22, 0, 0], legend: { show: false }, cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
    tzDate: (at) => uPlot.tzDate(new Date(at * 1000), props.zone),
    scales: {
      x: { time: true, range: (_, least, most) => [least, props.kind === 'bars' ? most + (props.times[1]! - props.times[0]! || 86400) : most] },
      y: { range: (_, least, most) => [Math.min(0, least * 1.05), most > 0 ? most * 1.08 : 1] },
    },
    axes: [{ ...axis, grid: { show: false }, space: 76, size: 28, values: (_, splits, __, ___, step) => splits.map((at) => tick(at, step, props.zone)) }, { ...axis, size: 56, values: (_, splits) => splits.map((value) => short(value)) }],
    series: [{}, ...drawn.reverse()],
  };
}

function tick(at: number, step: number, zone: string): string {
  const fine: Intl.DateTimeFormatOptions = step < 86400 ? { hour: '2-digit', minute: '2-digit' } : step < 28 * 86400 ? { day: 'numeric', month: 'short' } : { month: 'short', year: 'numeric' };
  const date = new Date(at * 1000);
  const midnight = step < 86400 && new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(date) === '00:00';
  return new Intl.DateTimeFormat(undefined, { timeZone: zone, ...(midnight ? { day: 'numeric', month: 'short' } : fine) }).format(date);
}

// Stacks are drawn from the tallest down, so that each leaves what is its own in sight.
function data(props: ChartProps): uPlot.AlignedData {
  const solid = props.series.filter((one) => !one.faint);
  const drawn = props.kind === 'bars' ? stacked(solid) : solid.map((one) => one.values);
  const all = props.series.map((one) => (one.faint ? one.values : drawn[solid.indexOf(one)]!));
  return [props.times, ...all.reverse()] as uPlot.AlignedData;
}

export function Chart(props: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const cursor = useRef<{ left: number; top: number } | undefined>(undefined);
  useEffect(() => {
    const box = place.current!;
    if (props.times.length === 0) return undefined;
    const began = performance.now();
    const made = options(props, box.clientWidth);
    made.hooks = { setCursor: [(plot) => { cursor.current = { left: plot.cursor.left!, top: plot.cursor.top! }; showTip(plot, tip.current!, props); }], draw: [() => { performance.measure('chart', { start: began, end: performance.now() }); }] };
    const pointed = cursor.current;
    const plot = new uPlot(made, data(props), box);
    // Where somebody points, the next answer is pointed at.
    if (pointed && pointed.left >= 0) plot.setCursor(pointed);
    const resize = new ResizeObserver(() => { if (box.clientWidth !== plot.width) plot.setSize({ width: box.clientWidth, height: props.height ?? 280 }); });
    resize.observe(box);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [props.times, props.series, props.kind, props.zone, useDark()]);
  return (
    <figure class="chart">
      <div ref={place} class="plot" role="img" aria-label={props.label}><div ref={tip} class="tip" hidden /></div>
    </figure>
  );
}

function useDark(): boolean {
  const query = matchMedia('(prefers-color-scheme: dark)');
  const [dark, set] = useState(query.matches);
  useEffect(() => {
    const listener = () => set(query.matches);
    query.addEventListener('change', listener);
    return () => query.removeEventListener('change', listener);
  }, []);
  return dark;
}

function showTip(plot: uPlot, tip: HTMLDivElement, props: ChartProps): void {
  const at = plot.cursor.idx;
  if (at === null || at === undefined || plot.cursor.left! < 0) {
    tip.hidden = true;
    return;
  }
  const time = new Intl.DateTimeFormat(undefined, { timeZone: props.zone, dateStyle: 'medium', timeStyle: 'short' }).format(new Date(props.times[at]! * 1000));
  const rows = props.series.filter((one) => one.values[at] !== null && one.values[at] !== undefined && (one.values[at] !== 0 || props.series.length < 4));
  tip.replaceChildren(line('b', time), ...rows.slice(0, 12).map((one) => {
    const row = line('div', '');
    const dot = document.createElement('i');
    dot.style.background = paintOf(props.series, one);
    const name = line('span', one.name);
    row.append(dot, name, line('em', new Intl.NumberFormat(undefined, { maximumFractionDigits: 3 }).format(one.values[at]!)));
    return row;
  }), ...(rows.length > 12 ? [line('div', `and ${rows.length - 12} more`)] : []));
  tip.hidden = false;
  const left = plot.valToPos(props.times[at]!, 'x') + 60;
  tip.style.left = `${Math.max(0, Math.min(left + 14, plot.width - tip.offsetWidth - 4))}px`;
}

function line(name: string, text: string): HTMLElement {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}

// A chart of some dozens of points as a line of text is high.
export function Spark(props: { values: number[]; label: string }) {
  const most = Math.max(...props.values, 0);
  const width = 120;
  const height = 28;
  const step = width / Math.max(1, props.values.length - 1);
  const points = props.values.map((value, at) => `${(at * step).toFixed(1)},${(height - 2 - (most ? (value / most) * (height - 4) : 0)).toFixed(1)}`);
  return (
    <svg class="spark" viewBox={`0 0 ${width} ${height}`} role="img" aria-label={props.label} preserveAspectRatio="none">
      <polygon points={`0,${height} ${points.join(' ')} ${width},${height}`} />
      <polyline points={points.join(' ')} />
    </svg>
  );
}

// The colours' names: a swatch for each series.
export function Legend({ series }: { series: Series[] }) {
  return (
    <ul class="legend">
      {series.map((one, n) => <li key={n}><i class={`swatch${one.faint ? ' dashed' : ''}`} ref={(node) => { if (node) node.style.background = paintOf(series, one); }} />{one.name}</li>)}
    </ul>
  );
}
