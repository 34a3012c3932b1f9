package org.ferlarq.demo.inference

import org.ferlarq.demo.image.LumaImage
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import kotlin.math.abs

class FaceSearchTest {
    private val image = LumaImage().apply { reshape(640, 480, 640, rotation = 90) } // 480 x 640, upright
    private val boxes = FaceBoxes()
    private val network = SeeingNetwork()
    private var now = 0L
    private val search = FaceSearch(network, { now })

    /** Sees what BlazeFace would of faces, given by centre and side: those that are large in a square. */
    private inner class SeeingNetwork : FaceNetwork {
        var faces = listOf<FloatArray>()
        var looks = 0
        var nanosALook = 0L
        var confidence = 0.9f

        override fun look(
            image: LumaImage, centreX: Float, centreY: Float, side: Float, threshold: Float, found: Squares,
        ) {
            looks++
            now += nanosALook
            found.clear()
            for ((x, y, size) in faces) {
                val inside = abs(x - centreX) + size / 2 <= side / 2 && abs(y - centreY) + size / 2 <= side / 2
                if (inside && size in 0.3f * side..side && confidence > threshold) found.add(x, y, size, confidence)
            }
        }

        override fun close() = Unit
    }

    private fun frames(count: Int) = repeat(count) { search.findNext(image, boxes) }

    @Test
    fun `a small face is found within a second of a slow phone's frames, wherever it is`() {
        network.nanosALook = 20_000_000 // so slow that the time for a frame is over at once
        for (x in listOf(40f, 240f, 440f)) {
            for (y in listOf(40f, 333f, 600f)) {
                search.reset()
                network.faces = listOf(floatArrayOf(x, y, 60f))
                var frame = 0
                do frames(1) while (boxes.count == 0 && ++frame < 15)
                assertTrue("$x, $y", frame < 15)
                assertEquals(1.17f * 60, boxes.size[0].toFloat(), 1f)
            }
        }
    }

    @Test
    fun `a second face is found beside one that is followed, and both stay`() {
        network.faces = listOf(floatArrayOf(240f, 320f, 300f))
        frames(1)
        assertEquals(1, boxes.count)
        network.faces += floatArrayOf(60f, 60f, 70f)
        frames(15)
        assertEquals(2, boxes.count)
        frames(100)
        assertEquals(2, boxes.count)
    }

    @Test
    fun `a frame's search is bounded, and goes on where the last one stopped`() {
        network.nanosALook = 1_000_000
        val most = (1..50).maxOf {
            val before = network.looks
            frames(1)
            network.looks - before
        }
        assertTrue("$most", most in 15..16)
    }

    @Test
    fun `what only one look takes for a face is none`() {
        network.confidence = 0.6f // enough to propose it, not to confirm it
        network.faces = listOf(floatArrayOf(240f, 320f, 300f))
        frames(20)
        assertEquals(0, boxes.count)
    }

    @Test
    fun `a face that is gone is forgotten, and one that moves is followed`() {
        network.faces = listOf(floatArrayOf(240f, 320f, 200f))
        frames(5)
        for (step in 1..20) {
            network.faces = listOf(floatArrayOf(240f + 4 * step, 320f, 200f))
            frames(1)
            assertEquals("step $step", 1, boxes.count)
        }
        network.faces = emptyList()
        frames(1)
        assertEquals(0, boxes.count)
    }

    @Test
    fun `the parts of a frame are those of the desktop`() {
        val parts = Parts(levels = 3)
        assertTrue(parts.cover(640, 480))
        assertEquals(42, parts.count)
        assertEquals(listOf(640f, 320f, 160f), parts.side.distinct())
        assertTrue(!parts.cover(640, 480))
    }
}
