import type { SignalConfig } from '../config/config';
import type { ModeInfo } from '../native';
import type { Card } from './card';
import type { Target } from './commit';
import { Copier } from './copier';
import { Fitting, indicatorPlace, roomOn, type View } from './fitting';
import { sameMode } from './modes';
import { Pointer } from './pointer';
import type { Scanout } from './scanout';
import { Signal, type SignalSetting } from './signal';

/** What an output asks of those that work for it while it is lit one way. */
export interface LightingOwner {
  /** Whether it is on the panel already. */
  readonly isSet: boolean;
  /** The pointer may go to the panel now. */
  pump(): void;
  /** A setting of the signal cannot be as it is wanted. */
  tellTrouble(setting: SignalSetting): void;
}

/**
 * What a monitor is, or is to be, lit with: a CRTC, a mode, a view; and who works for an output as long as that is so.
 */
export class Lighting implements Target {
  private constructor(
    readonly crtc: number,
    /** Docking stations give a connector of the same name another id when they are plugged in again. */
    readonly connector: number,
    readonly mode: ModeInfo,
    readonly view: View,
    readonly signal: Signal,
    readonly pointer: Pointer,
    readonly copier: Copier,
    readonly fitting: Fitting,
  ) {}

  static async create(
    card: Card,
    { crtc, connector, mode }: Target,
    view: View,
    signal: SignalConfig,
    owner: LightingOwner,
  ): Promise<Lighting> {
    const { hdisplay: width, vdisplay: height } = mode;
    const strip = indicatorPlace(view, width, height);
    const onDue = (): void => {
      owner.pump();
    };
    const accepts = (scanout: Scanout): boolean =>
      card.commit.accepts({ crtc, connector, mode }, owner.isSet, scanout);
    const asked = new Signal(card, connector, crtc, signal, (setting) => {
      owner.tellTrouble(setting);
    });
    return new Lighting(
      ...([crtc, connector, mode, view, asked] as const),
      await Pointer.create(card, crtc, mode, onDue, strip),
      new Copier(card.native, width, height, strip),
      new Fitting(view, width, height, accepts, card.pans),
    );
  }

  /** The room for a screen, as its user sees it, who may have turned the panel. */
  get width(): number {
    return roomOn(this.mode, this.view).width;
  }
  get height(): number {
    return roomOn(this.mode, this.view).height;
  }

  is({ crtc, connector, mode }: Target, { fit, turn, indicator }: View, signal: SignalConfig): boolean {
    const { view } = this;
    return (
      this.isOn(crtc, connector) &&
      sameMode(this.mode, mode) &&
      fit === view.fit &&
      turn === view.turn &&
      indicator === view.indicator &&
      this.signal.config === signal
    );
  }

  isOn(crtc: number, connector: number): boolean {
    return this.crtc === crtc && this.connector === connector;
  }

  /** Frees its buffers, of which none is on the panel any more. */
  async close(): Promise<void> {
    this.pointer.close();
    await this.copier.close();
  }
}
