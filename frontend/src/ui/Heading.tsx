import { type ReactNode, useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';

interface Props {
  /** The document's title; the product's name is added. */
  title: string;
  /** Changes when the reader has arrived somewhere new: focus then moves here. */
  arrival?: string;
  /** Names the document and leaves the focus alone. */
  quiet?: boolean;
  children: ReactNode;
  className?: string | undefined;
}

let first = true;

/** The page's one h1. Names the document and takes the focus on arrival, except on the very first page. */
export function Heading({ title, arrival = '', quiet, children, className }: Props) {
  const { t } = useTranslation('app');
  const heading = useRef<HTMLHeadingElement>(null);
  const product = t('name');
  useEffect(() => {
    document.title = `${title} · ${product}`;
  }, [title, product]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: focus moves when `arrival` changes, and only then.
  useEffect(() => {
    if (quiet) return;
    if (first) {
      first = false;
      return;
    }
    heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, [arrival]);
  return (
    <h1 ref={heading} tabIndex={-1} className={className}>
      {children}
    </h1>
  );
}
