package org.ferlarq.demo.inference

import java.nio.ByteBuffer
import kotlin.random.Random
import org.ferlarq.demo.LABELS
import org.ferlarq.demo.asset
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test

class ModelCardTest {
    @Test
    fun `the packed model names its labels, size and weights`() {
        val card = ModelCard.of(asset("expressions.tflite"))
        assertEquals(LABELS, card.labels)
        assertEquals("one-bit", card.arithmetic)
        assertTrue(card.oneBitWeights > 1_000_000)
        assertEquals(asset("expressions.tflite").capacity(), card.bytes)
    }

    @Test
    fun `a model of others has no card`() {
        val error = assertThrows(IllegalArgumentException::class.java) { ModelCard.of(asset("faces.tflite")) }
        assertEquals("the model was not made by fer_larq.convert", error.message)
    }

    @Test
    fun `damage ends in a sentence`() {
        val whole = ByteArray(asset("expressions.tflite").capacity()).also { asset("expressions.tflite").get(it) }
        val random = Random(0)
        repeat(300) {
            val damaged = whole.copyOf(if (it % 2 == 0) whole.size else random.nextInt(whole.size))
            // Most of the file is weights: hit the tables, at its start and towards its end.
            repeat(20) {
                val at = if (random.nextBoolean()) random.nextInt(64) else damaged.size - 1 - random.nextInt(20_000)
                if (at in damaged.indices) damaged[at] = random.nextInt().toByte()
            }
            try {
                ModelCard.of(ByteBuffer.wrap(damaged))
            } catch (error: IllegalArgumentException) {
                assertTrue(error.message!!.isNotBlank())
            }
        }
    }
}
