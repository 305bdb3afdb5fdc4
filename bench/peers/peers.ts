/** @file The peers: who can be asked to do a work, and the command that starts each. */
import { fileURLToPath } from 'node:url';

/** What starts a peer's process. */
export interface PeerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

function pathOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

function typescript(name: string): () => PeerCommand {
  return () => ({ command: process.execPath, args: ['--import', 'tsx', pathOf(name)] });
}

function python(name: string, variant: string): () => PeerCommand {
  return () => {
    // a forced core type would slow OpenBLAS down
    const { OPENBLAS_CORETYPE: _, ...env } = process.env;
    return { command: process.env.INKWASH_PYTHON ?? 'python3', args: [pathOf(name), variant], env };
  };
}

/** All peers, in the order they take turns. */
export const PEERS = {
  inkwash: typescript('inkwash.ts'),
  'pytorch-eager': python('pytorch.py', 'eager'),
  'pytorch-channels_last': python('pytorch.py', 'channels_last'),
  'pytorch-compile': python('pytorch.py', 'compile'),
  'pytorch-bf16': python('pytorch.py', 'bf16'),
  'openvino-float32': python('openvino_peer.py', 'f32'),
  'openvino-bf16': python('openvino_peer.py', 'bf16'),
  'jax-js': typescript('jax-js.ts'),
} as const satisfies Readonly<Record<string, () => PeerCommand>>;

export type PeerName = keyof typeof PEERS;

/** The names of all peers. */
export const PEER_NAMES = Object.keys(PEERS) as PeerName[];
