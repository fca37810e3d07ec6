import { AreaSeries, ColorType, createChart, LineStyle, type UTCTimestamp } from 'lightweight-charts';
import type { Candle } from './prices';

/**
 * Draws closing prices into a box, oldest first, in the colours that the page has now. For eyes: nothing is counted with
 * these numbers. Its maker's logo stays off, for it writes styles that the content policy forbids; the caption has its
 * notice and its link. Returns what takes the chart away.
 */
export function draw(box: HTMLElement, candles: readonly Candle[], withTime: boolean): () => void {
  const style = getComputedStyle(box);
  const colour = (name: string) => style.getPropertyValue(`--tg-${name}`).trim();
  const chart = createChart(box, {
    autoSize: true,
    layout: {
      attributionLogo: false,
      background: { type: ColorType.Solid, color: 'transparent' },
      textColor: colour('ink2'),
      fontFamily: style.fontFamily,
      fontSize: 12,
    },
    grid: { vertLines: { visible: false }, horzLines: { color: colour('line') } },
    rightPriceScale: { borderVisible: false, scaleMargins: { top: 0.08, bottom: 0.06 } },
    timeScale: {
      borderColor: colour('line2'),
      timeVisible: withTime,
      secondsVisible: false,
      fixLeftEdge: true,
      fixRightEdge: true,
    },
    crosshair: {
      vertLine: { color: colour('line2'), style: LineStyle.Solid, labelBackgroundColor: colour('deep') },
      horzLine: { color: colour('line2'), style: LineStyle.Dotted, labelBackgroundColor: colour('deep') },
    },
    // The page scrolls; the chart shows all there is.
    handleScroll: false,
    handleScale: false,
  });
  const prices = candles.map(({ start, close }) => ({ time: local(start), value: Number(close) }));
  const least = Math.min(...prices.map(({ value }) => value));
  const places = least >= 1000 ? 0 : least >= 1 ? 2 : 5;
  const written = new Intl.NumberFormat('en-GB', {
    minimumFractionDigits: places,
    maximumFractionDigits: places,
  });
  chart.applyOptions({ localization: { locale: 'en-GB', priceFormatter: written.format } });
  const series = chart.addSeries(AreaSeries, {
    lineColor: colour('deep'),
    lineWidth: 2,
    topColor: colour('water1'),
    bottomColor: colour('water1'),
    priceLineVisible: false,
    lastValueVisible: false,
    priceFormat: { type: 'price', precision: places, minMove: 10 ** -places },
  });
  series.setData(prices);
  chart.timeScale().fitContent();
  return () => chart.remove();
}

/** The chart knows no time zones: it is told the reader's clock as if it were UTC. */
function local(iso: string): UTCTimestamp {
  const at = new Date(iso);
  return Math.round(at.getTime() / 1000 - at.getTimezoneOffset() * 60) as UTCTimestamp;
}
