/** The host's modem lines; true is asserted, which is a low level. */
export interface ModemLines {
  readonly dtr: boolean;
  readonly rts: boolean;
}

/** A byte pipe to a device. One object is one connection: reopening makes a new one. */
export interface Transport {
  /** Names the pipe in messages, such as `/dev/ttyACM0`. */
  readonly name: string;
  /** The levels that the host holds since it opened the line; absent where the line has no such lines. */
  readonly lines?: ModemLines;
  /** The rate that the line was opened at, in baud; absent where it has none. */
  readonly startBaud?: number;
  /**
   * Resolves when the bytes are handed to the system, which says nothing about their arrival.
   * Rejects when the connection ends first.
   */
  write(bytes: Uint8Array): Promise<void>;
  /** The one listener for arriving bytes; set it before anything is written. */
  onChunk(listener: (chunk: Uint8Array) => void): void;
  /** The one listener for the end, called once, also after `close`. */
  onClose(listener: (reason: Error) => void): void;
  /** Changes the line's rate, in baud, for what is sent and read from then on; absent where a line has no rate. */
  setRate?(baud: number): Promise<void>;
  /** Idempotent, never throws, bounded in time. */
  close(): Promise<void>;
}
