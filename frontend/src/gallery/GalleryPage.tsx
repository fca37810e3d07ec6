import { useParams } from '@tanstack/react-router';
import { Gallery } from './Gallery';

export function GalleryPage() {
  const { part } = useParams({ strict: false });
  return <Gallery part={part ?? null} />;
}
