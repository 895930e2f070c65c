import type { VNode } from 'preact';
import QRCode from 'qrcode';

/** ISO/IEC 18004 §6.3.8: light modules on every side. */
const QUIET_ZONE = 4;

/** A QR code, drawn in the page: what it says is asked for by no other request and stands in no address. */
export function QrCode({ text, label }: { text: string; label: string }): VNode {
  const { size, data } = QRCode.create(text, { errorCorrectionLevel: 'M' }).modules;
  const dark = Array.from(data, (module, index) => {
    const [x, y] = [(index % size) + QUIET_ZONE, Math.floor(index / size) + QUIET_ZONE];
    return module ? `M${x} ${y}h1v1h-1z` : '';
  });
  const side = size + 2 * QUIET_ZONE;
  return (
    <svg class="qr-code" viewBox={`0 0 ${side} ${side}`} role="img" aria-label={label}>
      <rect width={side} height={side} fill="#fff" />
      <path d={dark.join('')} fill="#000" />
    </svg>
  );
}
