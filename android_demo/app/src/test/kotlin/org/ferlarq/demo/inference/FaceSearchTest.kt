package org.ferlarq.demo.inference

import org.ferlarq.demo.image.LumaImage
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import kotlin.math.abs
import kotlin.math.cos
import kotlin.math.sin

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
        var faceAngle = 0f

        override fun look(
            image: LumaImage, centreX: Float, centreY: Float, side: Float, angle: Float, threshold: Float,
            found: Squares,
        ) {
            looks++
            now += nanosALook
            found.clear()
            for ((x, y, size) in faces) {
                val inside = abs(x - centreX) + size / 2 <= side / 2 && abs(y - centreY) + size / 2 <= side / 2
                if (!inside || size !in 0.3f * side..side || confidence <= threshold) continue
                // Of a face that stands on its head in the square it takes the chin for the brow.
                val turned = Math.toRadians(faceAngle.toDouble())
                val seen = if (cos(turned - Math.toRadians(angle.toDouble())) < -0.5) -1 else 1
                val sure = if (seen < 0) minOf(confidence, 0.75f) else confidence
                found.add(x, y, size, sure, seen * cos(turned).toFloat(), seen * sin(turned).toFloat())
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
    fun `a face is turned as its eyes are, on its side and head too, and slightly not at all`() {
        network.faces = listOf(floatArrayOf(240f, 320f, 200f))
        for ((angle, expected) in listOf(0 to 0, 7 to 0, -12 to -12, 30 to 30, 90 to 90, 178 to 178, -150 to -150)) {
            network.faceAngle = angle.toFloat()
            for (once in listOf(true, false)) {
                search.reset()
                if (once) search.find(image, boxes) else frames(3)
                assertEquals("$angle", 1, boxes.count)
                assertEquals("$angle", expected, boxes.angle[0])
                // The frame's centre lies above the box's, as the face sees it.
                val rise = 0.094 * 200
                val radians = Math.toRadians(expected.toDouble())
                assertEquals(240 + rise * sin(radians), boxes.left[0] + boxes.size[0] / 2.0, 1.0)
                assertEquals(320 - rise * cos(radians), boxes.top[0] + boxes.size[0] / 2.0, 1.0)
            }
        }
    }

    @Test
    fun `of a frame of many false candidates only some are looked at`() {
        network.nanosALook = 1_000_000
        network.confidence = 0.6f
        network.faces = List(8) { floatArrayOf(40f + 57 * it, 40f + 80 * it, 70f) }
        val most = (1..50).maxOf {
            val before = network.looks
            frames(1)
            network.looks - before
        }
        assertTrue("$most", most in 15..38)
    }

    @Test
    fun `the squares of a long picture are those of the desktop`() {
        val parts = Parts(levels = 4)
        parts.cover(400, 2000)
        assertEquals(listOf(500f, 250f, 125f).filter { it >= 128 }, parts.side.distinct())
        val fine = Parts(levels = 5, firstLevel = 4)
        fine.cover(4000, 3000)
        assertEquals(listOf(250f), fine.side.distinct())
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
