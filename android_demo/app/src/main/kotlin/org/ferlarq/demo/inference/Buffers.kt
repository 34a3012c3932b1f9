package org.ferlarq.demo.inference

import java.nio.Buffer

/**
 * Goes back to the buffer's start. `Buffer.clear()` on Android 8 returns a Buffer, and what newer
 * compilers make of `ByteBuffer.clear()` is not there: called through Buffer, it is.
 */
fun Buffer.restart() {
    clear()
}
