/** @file inkwash as a peer among peers: the benchmarks' own works on the Node engine. */
import { nodeEngine } from '../../src/runtime/index.node.ts';
import { prepare } from '../prepare.ts';
import { servePeer } from './serve-peer.ts';

await servePeer({
  title: 'inkwash on onnxruntime-node',
  async prepare(work) {
    return prepare(await nodeEngine(), work);
  },
});
